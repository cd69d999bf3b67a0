// @vitest-environment jsdom
import { act, fireEvent, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";

import "../../src/sections/processes/rows"; // so that the page, which loads it later, does not wait for a file
import { goldenObject } from "../support/frames";
import { answer, silence } from "../support/fake-browser";
import { connect, installPage, settle, settleImports, tables, value } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();

let seq = 0;
/** Sends a sample with these processes, by the CPU of each pid. */
const receive = async (cpus: Readonly<Record<number, number>>) => {
  seq += 1;
  const top = Object.entries(cpus).map(([pid, cpu_percent]) => ({
    pid: Number(pid),
    name: `p${pid}`,
    cpu_percent,
    started_at: 1,
  }));
  const sample = { ...goldenObject("sample-processes"), seq, processes: { total: 412, top } };
  tables().at(-1)?.receive(JSON.stringify(sample));
  await settle();
};
const pids = () =>
  [...document.querySelectorAll<HTMLElement>("[data-pid]")].map((row) =>
    Number(row.dataset["pid"]),
  );
const body = () => {
  const rows = document.querySelector(".processes tbody");
  if (rows === null) throw new Error("no table");
  return rows;
};
/** Of the whole page, computing the names of all buttons takes most of the time of a test. */
const table = () => {
  const part = document.querySelector<HTMLElement>(".processes");
  if (part === null) throw new Error("no processes");
  return within(part);
};
const isHeld = () => !screen.getByText("order held").classList.contains("off");

beforeEach(async () => {
  await connect();
  tables().at(-1)?.open();
  await receive({ 1: 50, 2: 40, 3: 30 });
});

it("is sorted with every sample", async () => {
  await receive({ 1: 10, 2: 40, 3: 30 });
  expect(pids()).toEqual([2, 3, 1]);
});

it("holds the order while the pointer is on a row, shows it, and sorts when the pointer leaves", async () => {
  fireEvent.pointerEnter(body());
  await receive({ 1: 10, 2: 40, 3: 30, 4: 99 });
  expect([pids(), isHeld()]).toEqual([[1, 2, 3, 4], true]);
  fireEvent.pointerLeave(body());
  await settle();
  expect([pids(), isHeld()]).toEqual([[4, 2, 3, 1], false]);
});

it("sorts by another column also while the order is held", () => {
  fireEvent.pointerEnter(body());
  act(() => {
    table().getByRole("button", { name: "pid" }).click();
  });
  expect(pids()).toEqual([1, 2, 3]);
  act(() => {
    table().getByRole("button", { name: "pid" }).click();
  });
  expect(pids()).toEqual([3, 2, 1]);
  const head = table().getByRole("columnheader", { name: "pid" });
  expect(head.getAttribute("aria-sort")).toBe("descending");
  act(() => {
    table().getByRole("button", { name: "cpu %" }).click();
  });
  fireEvent.pointerLeave(body());
});

it("goes on sorting when the process with the open drawer exits, and when the focused one does", async () => {
  const button = table().getByRole("button", { name: "p1" });
  act(() => {
    button.click();
    button.focus();
  });
  await receive({ 2: 40, 3: 30 });
  await receive({ 2: 10, 3: 30 });
  await receive({ 2: 40, 3: 30 });
  expect([pids(), isHeld()]).toEqual([[2, 3], false]);
});

it("does not claim that no process matches when the server sent only some of them", async () => {
  act(() => {
    fireEvent.change(table().getByRole("searchbox"), { target: { value: "postgres" } });
  });
  await settle();
  expect(screen.getByText("no match among the busiest 3 of 412 processes")).toBeTruthy();
});

it("shows a number of waiting processes that is unknown as such", () => {
  expect(screen.getByText("– waiting on disk")).toBeTruthy();
});

it("has a filter that is no longer than the server accepts", () => {
  expect(screen.getByRole<HTMLInputElement>("searchbox").maxLength).toBe(200);
});

describe("all processes", () => {
  const requests = () =>
    browser.fetch.mock.calls
      .map(([address]) => new URL(address))
      .filter(({ pathname }) => pathname.endsWith("/api/v1/processes"))
      .map(({ searchParams }) => Object.fromEntries(searchParams));
  const lastRequest = () => requests().at(-1);
  /** A server with 40 processes: the pid is the place in the list. */
  const serve = (address: string): Promise<Response> => {
    const { pathname, searchParams } = new URL(address);
    if (!pathname.endsWith("/api/v1/processes"))
      return Promise.resolve(answer(200, '{"type":"history","samples":[]}'));
    const offset = Number(searchParams.get("offset"));
    const rows = Math.min(Number(searchParams.get("limit")), 40 - offset);
    const processes = Array.from({ length: rows }, (_, n) => ({
      pid: offset + n + 1,
      name: `q${offset + n + 1}`,
      command: "/usr/bin/java -jar prod.jar",
      unit: "shop.service",
      cpu_percent: 200 - offset - n,
      read_bytes_per_second: 2048,
      started_at: 1,
    }));
    const page = { total: 40, matching: 40, offset, unread: 0, processes };
    return Promise.resolve(answer(200, JSON.stringify(page)));
  };
  const press = async (key: string) => {
    act(() => {
      fireEvent.keyDown(window, { key });
    });
    await settleImports();
    await settle(200);
  };
  const status = () => document.querySelector(".pager [role=status]")?.textContent;

  beforeEach(async () => {
    browser.fetch.mockImplementation(serve);
    await press("e");
  });

  it("are requested in pages once they are wanted, and again each second", async () => {
    expect(lastRequest()).toEqual({ offset: "0", limit: "14", sort: "cpu_percent" });
    // A page of this width has 14 rows.
    expect([pids().length, pids()[0], status()]).toEqual([14, 1, "1–14 of 40"]);
    const before = requests().length;
    await settle(3000);
    expect(requests().length).toBe(before + 3);
    await press("e");
    await settle(3000);
    expect([requests().length, pids()]).toEqual([before + 3, [1, 2, 3]]);
  });

  it("are paged with keys, from the first page to the last", async () => {
    await press(",");
    expect(status()).toBe("1–14 of 40");
    await press(".");
    await press(".");
    expect([status(), pids()[0]]).toEqual(["29–40 of 40", 29]);
    await press(".");
    expect(status()).toBe("29–40 of 40");
    await press(",");
    expect(status()).toBe("15–28 of 40");
  });

  const type = async (filter: string) => {
    act(() => {
      fireEvent.change(table().getByRole("searchbox"), { target: { value: filter } });
    });
    await settle(200);
  };

  it("keep the place of the rows that are shown while another page cannot be loaded", async () => {
    await press("p");
    await press(".");
    const kept = "1–14 of 40, another page is not loaded yet";
    expect([status(), pids()[0]]).toEqual([kept, 1]);
    browser.fetch.mockImplementation(() => Promise.resolve(answer(500, "{}")));
    await press("p");
    await settle(1000);
    expect([status(), pids()[0]]).toEqual([kept, 1]);
    browser.fetch.mockImplementation(serve);
    await settle(6000);
    expect([status(), pids()[0]]).toEqual(["15–28 of 40", 15]);
  });

  it("leave their place to the busiest ones while no page of this filter is loaded", async () => {
    await press("p");
    await type("p2");
    expect([status(), pids()]).toEqual(["not loaded yet", [2]]);
    await type("p4");
    expect(screen.getByText("no match among the busiest 3 of 412 processes")).toBeTruthy();
    await press("p");
    await settle(1000);
    expect([status(), pids()[0]]).toEqual(["1–14 of 40", 1]);
  });

  it("are none where fewer match than before", async () => {
    await press(".");
    browser.fetch.mockImplementation(async (address) => {
      const { total } = (await (await serve(address)).json()) as { total: number };
      const page = { total, matching: 9, offset: 14, unread: 0, processes: [] };
      return answer(200, JSON.stringify(page));
    });
    await settle(1000);
    expect([status(), pids()]).toEqual(["0 of 9", []]);
    await press(",");
    expect(lastRequest()?.["offset"]).toBe("0");
  });

  it("are sorted and searched by the server, from the first page on", async () => {
    await press(".");
    act(() => {
      fireEvent.change(table().getByRole("searchbox"), { target: { value: "prod shop" } });
      table().getByRole("button", { name: "pid" }).click();
    });
    await settle(200);
    expect(lastRequest()).toEqual({ offset: "0", limit: "14", sort: "pid", filter: "prod shop" });
    act(() => {
      table().getByRole("button", { name: "pid" }).click();
    });
    await settle(200);
    expect(lastRequest()?.["reverse"]).toBe("1");
    act(() => {
      table().getByRole("button", { name: "command" }).click();
    });
    await settle(200);
    expect(lastRequest()?.["sort"]).toBe("command");
  });

  it("show command line, unit and I/O", () => {
    const [button] = table().getAllByRole("button", { name: "java -jar prod.jar" });
    act(() => {
      button?.click();
    });
    const drawer = document.querySelector(".processes .drawer")?.textContent;
    for (const text of ["/usr/bin/java -jar prod.jar", "unitshop.service", "read2.00 KiB/s"])
      expect(drawer).toContain(text);
    expect(drawer).toContain("written–");
  });

  it("are not requested while the page is paused", async () => {
    await press("p");
    const before = requests().length;
    await settle(5000);
    expect(requests().length).toBe(before);
  });

  it("are not requested before the server's Retry-After is over, whatever the viewer types", async () => {
    const error = '{"error":"no list yet"}';
    browser.fetch.mockResolvedValue(answer(503, error, { "Retry-After": "8" }));
    await settle(1000);
    browser.fetch.mockImplementation(serve);
    const before = requests().length;
    await settle(5500);
    act(() => {
      fireEvent.change(table().getByRole("searchbox"), { target: { value: "prod" } });
    });
    await settle(1500);
    expect(requests().length).toBe(before);
    await settle(1500);
    expect(lastRequest()?.["filter"]).toBe("prod");
  });

  it("are requested again after a request that was never answered", async () => {
    browser.fetch.mockImplementation(silence);
    await press(".");
    await settle(21_000);
    expect(screen.getByText("▲ failed: the server is not reachable")).toBeTruthy();
    browser.fetch.mockImplementation(serve);
    await connect(); // because no sample has arrived meanwhile
    await settle(6000);
    expect(status()).toBe("15–28 of 40");
  });

  it("count among the bytes of this viewer while they are on screen", async () => {
    const kib = () => Number.parseFloat(value("per-viewer"));
    const withPages = kib();
    await press("e");
    // A page of 14 rows per second, beside the samples of both connections.
    expect(withPages - kib()).toBeGreaterThan(1);
  });

  it("show the server's reason, and are requested again", async () => {
    const error = '{"error":"only the host itself"}';
    browser.fetch.mockImplementation(() => Promise.resolve(answer(404, error)));
    await settle(1000);
    expect(screen.getByText("▲ failed: only the host itself")).toBeTruthy();
    browser.fetch.mockImplementation(serve);
    await settle(6000);
    expect(screen.queryByText("▲ failed: only the host itself")).toBeNull();
  });
});
