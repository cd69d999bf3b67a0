// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { createPage } from "../../src/app/create-page";
import { LaterDashboard } from "../../src/app/later-dashboard";
import { Page } from "../../src/app/page";
import { DEFAULT_CHOICES } from "../../src/overview/choices";
import { createOverview } from "../../src/overview/create-overview";
import { decodeHosts } from "../../src/overview/frames";
import { createStore } from "../../src/store/create-store";
import { installDom } from "../support/dom";
import { fakeBrowser } from "../support/fake-browser";
import { FakeSocket } from "../support/fake-socket";
import { reportText } from "../support/overview";

// The other tests of this worker share the loaded dashboard, and jsdom has no canvas.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const press = (key: string) => {
  act(() => {
    fireEvent.keyDown(window, { key });
  });
};

beforeEach(installDom);

// Nothing is awaited, so the dashboard is not loaded until the end.
it("has the name of the host, and the keys that lead to another one, while it is loaded", async () => {
  const report = decodeHosts(reportText({ a: ["live"], b: ["live"], c: ["live"] }));
  const page = createPage(
    "http://front/",
    undefined,
    { WebSocket: FakeSocket, ...fakeBrowser() },
    {
      overview: (around) =>
        createOverview("http://front/", createStore(DEFAULT_CHOICES), report, around),
      first: "id-b",
    },
  );
  const stop = page.start();
  const { container } = render(<Page page={page} Dashboard={LaterDashboard} />);
  expect(container.textContent).toBe("b loading the page …");
  expect(document.documentElement.dataset["theme"]).toBe("dark");
  press("]");
  expect(container.textContent).toBe("c loading the page …");
  press("[");
  expect(container.textContent).toBe("b loading the page …");
  expect(screen.getByRole("status").textContent).toContain("loading");
  press("Escape");
  expect(page.host.get()).toBeNull();
  expect(container.textContent).toBe("");
  cleanup();
  stop();
  await vi.dynamicImportSettled();
});
