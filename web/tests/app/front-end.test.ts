// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Hosts } from "../../src/app/create-page";
import { answer } from "../support/fake-browser";
import { reportText, type Fleet } from "../support/overview";

const createPage = vi.fn<(...options: [string, unknown, unknown, Hosts]) => object>(() => ({
  start: () => undefined,
  overview: null,
}));

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules();
  vi.doMock("../../src/app/create-page", () => ({ createPage }));
  vi.doMock("../../src/app/begin", () => ({
    initialView: () => null,
    logInThen: () => false,
    logInWhenLinked: () => undefined,
    mount: () => undefined,
  }));
  vi.doMock("../../src/app/later-dashboard", () => ({
    LaterDashboard: () => null,
    loadDashboardWhenIdle: () => undefined,
  }));
});
afterEach(() => {
  vi.doUnmock("../../src/app/create-page");
  vi.doUnmock("../../src/app/begin");
  vi.doUnmock("../../src/app/later-dashboard");
  vi.resetModules();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  history.replaceState(null, "", "/");
});

/** Runs the first code of a front end with these hosts. Returns what the page begins with. */
async function hostsOf(fleet: Fleet, address: string): Promise<Hosts | undefined> {
  history.replaceState(null, "", address);
  vi.stubGlobal("fetch", () => Promise.resolve(answer(200, reportText(fleet))));
  createPage.mockClear();
  await import("../../src/app/front-end");
  await vi.waitFor(() => {
    expect(createPage).toHaveBeenCalled();
  });
  return createPage.mock.lastCall?.[3];
}

it("begins with its only host, also if the address names one that it has forgotten", async () => {
  expect(await hostsOf({ a: ["live"] }, "/?host=forgotten")).toEqual({
    overview: null,
    first: "id-a",
  });
});

it("begins with the host of the address if it has several", async () => {
  const hosts = await hostsOf({ a: ["live"], b: ["live"] }, "/?host=id-b");
  expect([hosts?.first, hosts?.overview === null]).toEqual(["id-b", false]);
});
