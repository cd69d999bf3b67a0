import { expect, it } from "vitest";

import { Ring } from "../../src/store/ring";

it("keeps the newest slots and drops the oldest", () => {
  const ring = new Ring(3);
  for (let at = 1; at <= 5; at += 1) ring.put(at, [["load", at * 10]]);
  const slice = ring.slice(-Infinity, Infinity);
  expect(slice.x).toEqual([3, 4, 5]);
  expect(slice.column("load")).toEqual([30, 40, 50]);
  expect([ring.length, ring.newestX]).toEqual([3, 5]);
});

it("returns null in a gap, and for a value that a sample did not have", () => {
  const ring = new Ring(4);
  ring.put(1, [["load", 1]]);
  ring.put(3, []);
  const slice = ring.slice(0, 9);
  expect(slice.known).toEqual([true, false, true]);
  expect(slice.column("load")).toEqual([1, null, null]);
  expect(slice.column("no such metric")).toEqual([null, null, null]);
});

it("does not return an old value when its slot is used again", () => {
  const ring = new Ring(2);
  ring.put(1, [["disk.sda.read", 7]]);
  ring.put(2, []);
  ring.put(3, []);
  expect(ring.slice(0, 9).column("disk.sda.read")).toEqual([null, null]);
});

it("cuts by time, including both ends", () => {
  const ring = new Ring(10);
  for (let at = 1; at <= 6; at += 1) ring.put(at, []);
  expect(ring.slice(2, 4).x).toEqual([2, 3, 4]);
});

it("drops the column of a device that has been gone for as many slots as it has", () => {
  const ring = new Ring(60);
  ring.put(0, [["disk.sdz.read", 1]]);
  for (let at = 1; at <= 120; at += 1) ring.put(at, [["load", 1]]);
  expect(ring.names).toEqual(["load"]);
});

it("has a limit for the number of columns", () => {
  const ring = new Ring(600);
  for (let at = 0; at < 2000; at += 1) {
    ring.put(
      at,
      Array.from({ length: 10 }, (_, n) => [`veth${at}-${n}.rx`, 1] as const),
    );
  }
  expect(ring.names.length).toBeLessThanOrEqual(16_384);
});

it("has room for 200 disks, interfaces and filesystems, and counts what does not fit", () => {
  const ring = new Ring(1);
  const columns = (count: number) => Array.from({ length: count }, (_, n) => [`c${n}`, n] as const);
  ring.put(1, columns(4847));
  expect([ring.names.length, ring.refused]).toEqual([4847, 0]);
  ring.put(2, columns(16_400));
  expect([ring.names.length, ring.refused]).toEqual([16_384, 16]);
  ring.put(3, columns(10));
  expect(ring.refused).toBe(0);
});

it("remembers the time that each sample describes", () => {
  const ring = new Ring(30);
  ring.put(10, [], 10);
  ring.put(21, []);
  expect(ring.clone().slice(0, 99).spans).toEqual([10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  ring.describe(21, 11);
  expect(ring.slice(0, 99).spans).toEqual([10, 11]);
  ring.describe(20, 5);
  expect(ring.slice(0, 99).spans).toEqual([10, 11]);
});

it("moves its slots when the clock is set", () => {
  const ring = new Ring(3);
  ring.put(1, []);
  ring.shift(3600);
  expect(ring.newestX).toBe(3601);
});

it("makes a copy that does not change", () => {
  const ring = new Ring(2);
  ring.put(1, [["load", 1]]);
  const copy = ring.clone();
  ring.put(2, [["load", 2]]);
  ring.put(3, [["load", 3]]);
  expect(copy.slice(0, 9).column("load")).toEqual([1]);
});

it("has the samples in the order of time, in whatever order they came", () => {
  const ring = new Ring(10);
  for (const at of [5, 6, 3, 4, 7, 1, 2]) expect(ring.put(at, [["load", at]])).toBe(true);
  const slice = ring.slice(0, 9);
  expect(slice.x).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(slice.column("load")).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it("keeps the first of two samples of one time", () => {
  const ring = new Ring(2);
  for (const value of [1, 2]) ring.put(1, [["load", value]]);
  expect(ring.slice(0, 9).column("load")).toEqual([1]);
});

it("when it is full, takes newer samples only, and one between two others", () => {
  const ring = new Ring(3);
  for (const at of [4, 6, 7]) ring.put(at, [["load", at]]);
  expect(ring.put(3, [["load", 3]])).toBe(false);
  expect(ring.put(5, [])).toBe(true);
  expect(ring.slice(0, 9).column("load")).toEqual([null, 6, 7]);
});

it("has gap slots only inside of the slice, also where both samples are outside of it", () => {
  const ring = new Ring(30);
  ring.put(1, []);
  ring.put(21, []);
  expect(ring.slice(10, 12)).toMatchObject({ x: [10, 11, 12], known: [false, false, false] });
  expect(ring.slice(19, 30)).toMatchObject({ x: [19, 20, 21], known: [false, false, true] });
  expect(ring.slice(-5, 2)).toMatchObject({ x: [1, 2], known: [true, false] });
  expect(ring.slice(22, 30).x).toEqual([]);
});

it("shows no more gap slots than it has slots, however long the gap is", () => {
  const ring = new Ring(3);
  ring.put(0, []);
  ring.put(1e9, []);
  expect(ring.slice(-1, 2e9).known).toEqual([true, false, false, false, true]);
});

it("keeps the column of a device that only samples of the past have", () => {
  const ring = new Ring(120);
  ring.put(1000, [["load", 1]]);
  for (let at = 999; at > 900; at -= 1) ring.put(at, [["disk.sdz.read", 1]]);
  expect(ring.names).toEqual(["load", "disk.sdz.read"]);
});
