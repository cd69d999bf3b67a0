// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { moved } from "../../src/shell/command-palette";
import { installDialogs } from "../support/dom";
import { golden } from "../support/frames";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

// The tests of this worker share the loaded modules, but for the first one the palette must not be loaded.
vi.resetModules();
const { badge, connect, installPage, settle, settleImports, tables } =
  await import("../support/page");

installPage();
beforeEach(async () => {
  installDialogs();
  await connect();
  history.replaceState(null, "", "/");
});

const press = (key: string, target: Element | Window = window, more: KeyboardEventInit = {}) => {
  act(() => {
    fireEvent.keyDown(target, { key, ...more });
  });
};
const open = async (target: Element | Window = window) => {
  press("k", target, { ctrlKey: true });
  await settleImports();
};
const field = () => screen.getByRole("combobox");
const type = (text: string) => {
  act(() => {
    fireEvent.change(field(), { target: { value: text } });
  });
};
const options = () => screen.queryAllByRole("option");
const active = () => document.getElementById(field().getAttribute("aria-activedescendant") ?? "");

it("does not open any more once Escape was pressed while it is loaded", async () => {
  press("p");
  press("k", window, { ctrlKey: true });
  press("Escape");
  await settleImports();
  expect([screen.queryByRole("combobox"), badge()]).toEqual([null, "paused"]);
  press("Escape");
  await settle();
  expect(badge()).toBe("live");
});

it("opens with Ctrl K, also from a field, and closes with it", async () => {
  await open(screen.getByRole("searchbox"));
  expect(document.activeElement).toBe(field());
  expect(active()).toBe(options()[0]);
  await open();
  expect(screen.queryByRole("combobox")).toBeNull();
});

it("opens from the header and from the help, and replaces it", async () => {
  press("?");
  await settleImports();
  act(() => {
    screen.getAllByText("Find").at(-1)?.click();
  });
  await settleImports();
  expect([screen.queryByTestId("help"), field()]).toEqual([null, field()]);
});

it("moves through the list with the arrows and runs with Enter", async () => {
  await open();
  const first = active()?.textContent;
  press("ArrowUp", field());
  expect(active()).toBe(options().at(-1));
  press("ArrowDown", field());
  expect(active()?.textContent).toBe(first);
  expect(options().filter((option) => option.getAttribute("aria-selected") === "true")).toEqual([
    active(),
  ]);
  type("pause");
  press("Enter", field());
  await settle();
  expect([badge(), screen.queryByRole("combobox")]).toEqual(["paused", null]);
  press("l");
});

it("filters by a process that the page has seen, and by any text", async () => {
  const seen = JSON.parse(golden("sample-processes")) as {
    processes: { top: { name: string }[] };
  };
  const name = seen.processes.top[0]?.name ?? "";
  tables().at(-1)?.open();
  tables().at(-1)?.receive(golden("sample-processes"));
  await settle();
  await open();
  type(name);
  act(() => {
    screen.getByRole("option", { name }).click();
  });
  expect(screen.getByRole<HTMLInputElement>("searchbox").value).toBe(name);
  await open();
  type("no  such");
  expect(options().map((option) => option.textContent)).toEqual(["processes with “no  such”"]);
  press("Enter", field());
  await settle();
  expect(screen.getByRole<HTMLInputElement>("searchbox").value).toBe("no  such");
});

it("keeps the keys of the page from acting, and Escape from clearing the filter", async () => {
  act(() => {
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "cron" } });
  });
  await open();
  press("p");
  press("Escape", field());
  await settle();
  expect([badge(), screen.getByRole<HTMLInputElement>("searchbox").value]).toEqual([
    "live",
    "cron",
  ]);
});

it("leaves Enter to an input method that is composing", async () => {
  await open();
  press("Enter", field(), { isComposing: true });
  await settle();
  expect(field()).toBeTruthy();
});

it("goes around at the ends by one, and stops there by a page", () => {
  expect([
    moved(0, -1, 9),
    moved(8, 1, 9),
    moved(3, 8, 9),
    moved(3, -8, 9),
    moved(0, 1, 0),
  ]).toEqual([8, 0, 8, 0, 0]);
});
