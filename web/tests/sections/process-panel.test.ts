// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";

import { goldenObject } from "../support/frames";
import { connect, installPage, settle, tables } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

installPage();

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
    screen.getByRole("button", { name: "pid" }).click();
  });
  expect(pids()).toEqual([1, 2, 3]);
  act(() => {
    screen.getByRole("button", { name: "pid" }).click();
  });
  expect(pids()).toEqual([3, 2, 1]);
  const head = screen.getByRole("columnheader", { name: "pid" });
  expect(head.getAttribute("aria-sort")).toBe("descending");
  act(() => {
    screen.getByRole("button", { name: "cpu %" }).click();
  });
  fireEvent.pointerLeave(body());
});

it("goes on sorting when the process with the open drawer exits, and when the focused one does", async () => {
  const button = screen.getByRole("button", { name: "p1" });
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
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "postgres" } });
  });
  await settle();
  expect(screen.getByText("no match among the busiest 3 of 412 processes")).toBeTruthy();
});
