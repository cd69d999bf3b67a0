// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { installDialogs } from "../support/dom";
import { badge, connect, installPage, settle, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const press = (key: string, target: Element | Window = window) => {
  act(() => {
    fireEvent.keyDown(target, { key });
  });
};

beforeEach(async () => {
  vi.stubGlobal("PointerEvent", class extends Event {});
  installDialogs();
  localStorage.clear();
  await connect();
});

/** Focuses the name, and waits until its tooltip is shown. */
async function explain(name: Element): Promise<void> {
  act(() => {
    (name as HTMLElement).focus();
  });
  await settle(500);
  await settleImports();
}

it("describes a name with the keyboard's focus by its tooltip", async () => {
  const name = screen.getByText("retransmits", { selector: "dt span" });
  await explain(name);
  expect(screen.getByRole("tooltip").textContent).toMatch(/retransmit/i);
  expect(name.getAttribute("aria-describedby")).toBe(screen.getByRole("tooltip").id);
  act(() => {
    screen.getByTestId("pause").focus();
  });
  await settle();
  expect([screen.queryByRole("tooltip"), name.getAttribute("aria-describedby")]).toEqual([
    null,
    null,
  ]);
});

it("hides a tooltip with Escape, and ends the pause only with the next one", async () => {
  press("p");
  const name = screen.getByText("retransmits", { selector: "dt span" });
  await explain(name);
  press("Escape", name);
  await settle();
  expect([screen.queryByRole("tooltip"), badge()]).toEqual([null, "paused"]);
  press("Escape", name);
  await settle();
  expect(badge()).toBe("live");
});

it("has links past the controls to every part", async () => {
  for (const part of ["vital signs", "charts", "processes", "tables"]) {
    act(() => {
      screen.getByText(`Skip to ${part}`).click();
    });
    await settle();
    expect(document.activeElement?.id).toBe(part.replace(" ", "-"));
  }
});

it("remembers that the keys of one character are turned off", async () => {
  press("?");
  await settleImports();
  act(() => {
    screen.getByRole("checkbox", { name: /one character/ }).click();
  });
  act(() => {
    screen.getByText("Close").click();
  });
  press("p");
  await settle();
  expect(badge()).toBe("live");
  expect(location.search).toContain("keys=0");
  expect(localStorage.getItem("telemetry-stream-character-keys")).toBe("off");
  history.replaceState(null, "", "/");
});
