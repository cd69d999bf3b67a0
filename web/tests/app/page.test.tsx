// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { golden, goldenObject, sampleText } from "../support/frames";
import { badge, connect, last, main, settle, installPage, value } from "../support/page";

// jsdom has no canvas; charts are seen by the end-to-end tests.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

it("gives a connection in place of a silent one its time, as slow as the handshake may be", async () => {
  await connect();
  const tries = main().length;
  await settle(9_000);
  expect(main()).toHaveLength(tries);
  await settle(2_500);
  expect(main()).toHaveLength(tries + 1);
  await settle(3_000); // no answer yet
  expect(main()).toHaveLength(tries + 1);
  last().open();
  await settle(8_000); // a long history over a thin line
  expect(main()).toHaveLength(tries + 1);
  last().say(sampleText({ seq: 60 }));
  await settle();
  expect(badge()).toBe("live");
});

it("has every place and no number before the first sample", () => {
  expect(badge()).toBe("connecting");
  expect([value("host"), value("cpu"), value("memory")]).toEqual(["–", "–", "–"]);
});

it("shows host, CPU, memory, connections and what was missed", async () => {
  await connect();
  expect(badge()).toBe("live");
  expect([value("host"), value("cpu"), value("memory"), value("connections")]).toEqual([
    "ada",
    "29",
    "22.1",
    "218",
  ]);
  expect(value("missed")).toBe("38 of 42"); // the golden history has a hole between 1 and 40
});

it("says late, then lost, as silence goes on, and tries anew by itself", async () => {
  await connect();
  await settle(3000);
  expect(badge()).toBe("late");
  const sockets = main().length;
  await settle(9000);
  expect(badge()).toBe("lost");
  expect(main().length).toBeGreaterThan(sockets);
});

it("resumes after a restart with what it has seen, and with no reload", async () => {
  await connect();
  last().end(1006);
  await settle();
  expect(badge()).toBe("lost");
  expect(value("next-try")).toMatch(/next try in 1 s/);
  await settle(1000);
  expect(Object.fromEntries(last().query)).toMatchObject({
    since: "42",
    stream: "5f0c9a3e71d24b86",
  });
  last().open();
  last().say(golden("hello"));
  last().say(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle();
  expect([badge(), value("cpu")]).toEqual(["live", "81"]);
});

it("tries at once when the browser is online again", async () => {
  await connect();
  last().end(1006);
  const before = main().length;
  window.dispatchEvent(new Event("online"));
  await settle(5);
  expect(main().length).toBe(before + 1);
});

it("names the server's reason and stops trying when it is not allowed", async () => {
  await connect();
  last().end(1008);
  await settle(20_000);
  expect(badge()).toBe("ended");
  expect(value("freshness")).toContain("not allowed");
  expect(screen.getByRole("alert").textContent).toContain("ended");
  const before = main().length;
  act(() => {
    screen.getByText("reconnect").click();
  });
  await settle(5);
  expect(main().length).toBe(before + 1);
});

it("draws nothing while the tab is hidden, and all of it when it is shown again", async () => {
  await connect();
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  last().say(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle(2000);
  expect(value("cpu")).toBe("29");
  visibility.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  expect(value("cpu")).toBe("81");
});

it("pauses with p, says how many samples wait, and goes back to live with l", async () => {
  await connect();
  act(() => {
    fireEvent.keyDown(window, { key: "p" });
  });
  last().say(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle();
  expect([badge(), value("cpu")]).toEqual(["paused", "29"]);
  expect(value("next-try")).toBe("1 waiting");
  act(() => {
    fireEvent.keyDown(window, { key: "l" });
  });
  await settle();
  expect([badge(), value("cpu")]).toEqual(["live", "81"]);
});

it("says which part could not be had, and keeps the rest", async () => {
  last().open();
  last().say(golden("hello"));
  const { memory: _, ...rest } = goldenObject("sample");
  const sources = { memory: { state: "failed", took_seconds: 0, reason: "no MemTotal" } };
  last().say(JSON.stringify({ ...rest, sources }));
  await settle();
  expect([value("cpu"), value("memory")]).toEqual(["29", "–"]);
  expect(document.querySelector("[data-focus=memory] .aside")?.textContent).toContain("failed");
});

it("hatches a filesystem that does not answer, and marks a full one once it lasts", async () => {
  await connect();
  for (let seq = 43; seq < 56; seq += 1) {
    last().say(
      sampleText({ seq, time_unix: 1_764_000_000 + seq, uptime_seconds: 3_564_720 + seq }),
    );
  }
  await settle();
  const rows = [...document.querySelectorAll(".filesystems tbody tr")];
  expect(rows.map((row) => row.textContent)).toEqual([
    "/41 %38.2 Gi",
    "/srvwarn 91 %164 Gi",
    "/mnt/nasstale 42 s",
  ]);
  expect(rows[2]?.querySelector(".hatched")).not.toBeNull();
  expect(document.title).toMatch(/^▲ ada/);
});

it("takes one sample a second of a stream that is quicker", async () => {
  last().open();
  last().say(JSON.stringify({ ...goldenObject("hello"), interval_seconds: 0.1 }));
  await settle(5);
  expect(last().query.get("every")).toBe("10");
  last().open();
  last().say(JSON.stringify({ ...goldenObject("hello"), interval_seconds: 0.1, every: 10 }));
  last().say(sampleText({ seq: 50 }));
  last().say(sampleText({ seq: 60, time_unix: 1_764_000_044, uptime_seconds: 3_564_764 }));
  await settle();
  expect([badge(), value("missed")]).toEqual(["live", "0 of 2"]);
});
