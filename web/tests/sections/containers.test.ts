// @vitest-environment jsdom
import { act, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { section } from "../../src/sections/containers";
import "../../src/sections/containers/panel"; // so that the page, which loads it later, does not wait for a file
import { alertOf, alertsText } from "../support/alerts";
import { FakeSocket } from "../support/fake-socket";
import { golden, goldenObject, sampleAt, sampleText, sampleWithout } from "../support/frames";
import { containersOf } from "../support/mock-containers.js";
import { connect, installPage, settle, settleImports } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

const COUNTS = { container_counts: { docker: 4, nspawn: 1 } };
const panel = () => screen.queryByRole("region", { name: "Containers" });
const asked = () =>
  FakeSocket.all.filter((socket) => socket.query.get("sections") === "containers");
const rows = () => [...(panel()?.querySelectorAll("tbody tr") ?? [])].map((row) => row.textContent);

async function open(containers: unknown, state = "ok", alerts: readonly string[] = []) {
  await connect(golden("hello"), sampleText(COUNTS), ...alerts);
  await settleImports();
  const socket = asked().at(-1);
  socket?.open();
  const sources = { containers: { state, took_seconds: 0, reason: "no cgroup" } };
  socket?.receive(JSON.stringify({ ...goldenObject("sample-processes"), containers, sources }));
  await settle();
}

it("is shown on a host with containers only", () => {
  const [shown] = section.panels ?? [];
  expect(shown?.isShown(null)).toBe(false);
  expect(shown?.isShown(sampleWithout("container_counts"))).toBe(false);
  expect(shown?.isShown(sampleAt(1, COUNTS))).toBe(true);
});

it("asks for nothing on a host without containers", async () => {
  await connect();
  await settleImports();
  expect(asked()).toEqual([]);
});

it("shows the containers by name, and marks an unhealthy one", async () => {
  await open(containersOf(0));
  expect(rows()).toEqual([
    "build-debian0.044.0 Mi0 B",
    "▲warning importer88.0498 Mi2.27 Mi",
    "shop-db31.01.80 Gi817 Ki",
    "shop-queue2.0312 Mi52.7 Ki",
    "shop-web4.096.0 Mi105 Ki",
  ]);
});

it("marks one that is restarted again and again", async () => {
  const [web] = containersOf(0);
  const restarting = alertOf({
    rule: "container_restarting",
    section: "container_restarts",
    fields: ["container_restarts.recent_restarts"],
    labels: { id: web?.id ?? "", runtime: "docker" },
  });
  await open([web], "ok", [alertsText([restarting])]);
  expect(rows()).toEqual(["▲warning shop-web4.096.0 Mi105 Ki"]);
});

it("shows limits, image and labels of one on request", async () => {
  await open(containersOf(0));
  act(() => {
    screen.getByRole("button", { name: /importer/ }).click();
  });
  const text = panel()?.textContent ?? "";
  for (const fact of [
    "imageshop/importer:412",
    "healthunhealthy",
    "restarts4",
    "cpu88 % of 1.00 cores",
    "memory97 % of 512 MiB",
    "com.docker.compose.projectshop",
  ]) {
    expect(text).toContain(fact);
  }
});

it.each([
  ["a container that was just found", { age_seconds: null }, "cpu–", "memory–"],
  ["a container without limits", {}, "cpuno limit", "memoryno limit"],
  [
    "a container whose use is unknown",
    { cpu_limit_cores: 2, memory_limit_bytes: 2 ** 30 },
    "cpu– of 2.00 cores",
    "memory– of 1.00 GiB",
  ],
])("shows the limits of %s", async (_, changes, ...facts) => {
  const none = { cpu_limit_used_percent: null, memory_limit_bytes: null, memory_percent: null };
  await open([{ ...containersOf(0)[0], name: "importer", ...none, ...changes }]);
  act(() => {
    screen.getByRole("button", { name: /importer/ }).click();
  });
  for (const fact of facts) expect(panel()?.textContent).toContain(fact);
});

it("shows the id of a container without a name, and both of two with the same name", async () => {
  const [first] = containersOf(0);
  await open([
    { ...first, id: "aaaa", name: null },
    { ...first, id: "bbbb", name: "web" },
    { ...first, id: "bbbb", name: "web", runtime: "podman" },
  ]);
  expect(rows().map((row) => row.slice(0, 4))).toEqual(["aaaa", "web4", "web4"]);
});

it("shows why its source failed, and that no container is left", async () => {
  await open(undefined, "failed");
  expect(document.body.textContent).toContain("failed: no cgroup");
});

it("is empty when the last container has ended", async () => {
  await open(undefined, "absent");
  expect(panel()?.textContent).toContain("no containers");
});
