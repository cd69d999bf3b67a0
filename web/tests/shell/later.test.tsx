// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";

import { createPage } from "../../src/app/create-page";
import { Later } from "../../src/shell/later";
import { PageContext } from "../../src/store/use-telemetry";
import { fakeBrowser } from "../support/fake-browser";

afterEach(cleanup);

const browser = fakeBrowser();
const page = createPage("http://ada/", undefined, browser);
const Part = ({ name }: { name: string }) => <p>part {name}</p>;
const broken = () => Promise.reject<typeof Part>(new TypeError("Failed to fetch"));
const meanwhile = (failed: boolean): ReactNode => (failed ? "no part" : "loading");

async function show(later: ReactNode): Promise<void> {
  render(<PageContext value={page}>{later}</PageContext>);
  await act(() => Promise.resolve());
}

it("reports a part that could not be loaded, and can be closed", async () => {
  const close = vi.fn();
  await show(<Later load={broken} props={{ name: "a" }} close={close} />);
  expect(screen.getByRole("alert").textContent).toContain("could not be loaded");
  screen.getByText("Close").click();
  expect(close).toHaveBeenCalledOnce();
});

it("offers to reload after a failure, and nothing else if the page has nothing else to show", async () => {
  await show(<Later load={broken} props={{ name: "a" }} close={null} meanwhile={meanwhile} />);
  expect(screen.getAllByRole("button").map(({ textContent }) => textContent)).toEqual(["Reload"]);
  expect(screen.getByText("no part")).toBeTruthy();
  screen.getByText("Reload").click();
  expect(browser.reload).toHaveBeenCalledOnce();
});

it("shows something in its place until the part is loaded, and the next time the part at once", async () => {
  const load = vi.fn(() => Promise.resolve(Part));
  const later = (name: string) => (
    <PageContext value={page}>
      <Later key={name} load={load} props={{ name }} close={null} meanwhile={meanwhile} />
    </PageContext>
  );
  const { container, rerender } = render(later("a"));
  expect(container.textContent).toBe("loading");
  await act(() => Promise.resolve());
  expect(container.textContent).toBe("part a");
  rerender(later("b"));
  expect(container.textContent).toBe("part b");
  expect(load).toHaveBeenCalledOnce();
});
