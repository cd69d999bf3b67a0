import { expect, it } from "vitest";

import { Ring } from "../../src/store/ring";

it("keeps the newest slots and drops the oldest", () => {
  const ring = new Ring(3);
  for (let at = 1; at <= 5; at += 1) ring.push(at, [["load", at * 10]]);
  const slice = ring.slice(-Infinity, Infinity);
  expect(slice.x).toEqual([3, 4, 5]);
  expect(slice.column("load")).toEqual([30, 40, 50]);
  expect([ring.length, ring.newestX]).toEqual([3, 5]);
});

it("returns null in a gap, and for a value that a sample did not have", () => {
  const ring = new Ring(4);
  ring.push(1, [["load", 1]]);
  ring.pushGap(2);
  ring.push(3, []);
  const slice = ring.slice(0, 9);
  expect(slice.known).toEqual([true, false, true]);
  expect(slice.column("load")).toEqual([1, null, null]);
  expect(slice.column("no such metric")).toEqual([null, null, null]);
});

it("does not return an old value when its slot is used again", () => {
  const ring = new Ring(2);
  ring.push(1, [["disk.sda.read", 7]]);
  ring.push(2, []);
  ring.push(3, []);
  expect(ring.slice(0, 9).column("disk.sda.read")).toEqual([null, null]);
});

it("cuts by time, including both ends", () => {
  const ring = new Ring(10);
  for (let at = 1; at <= 6; at += 1) ring.push(at, []);
  expect(ring.slice(2, 4).x).toEqual([2, 3, 4]);
});

it("drops the column of a device that has been gone for as many slots as it has", () => {
  const ring = new Ring(60);
  ring.push(0, [["disk.sdz.read", 1]]);
  for (let at = 1; at <= 120; at += 1) ring.push(at, [["load", 1]]);
  expect(ring.names).toEqual(["load"]);
});

it("has a limit for the number of columns", () => {
  const ring = new Ring(600);
  for (let at = 0; at < 2000; at += 1) {
    ring.push(
      at,
      Array.from({ length: 10 }, (_, n) => [`veth${at}-${n}.rx`, 1] as const),
    );
  }
  expect(ring.names.length).toBeLessThanOrEqual(16_384);
});

it("has room for 200 disks, interfaces and filesystems, and counts what does not fit", () => {
  const ring = new Ring(1);
  const columns = (count: number) => Array.from({ length: count }, (_, n) => [`c${n}`, n] as const);
  ring.push(1, columns(4847));
  expect([ring.names.length, ring.refused]).toEqual([4847, 0]);
  ring.push(2, columns(16_400));
  expect([ring.names.length, ring.refused]).toEqual([16_384, 16]);
  ring.push(3, columns(10));
  expect(ring.refused).toBe(0);
});

it("remembers the time that each sample describes", () => {
  const ring = new Ring(3);
  ring.push(10, [], 10);
  ring.pushGap(20, 10);
  ring.push(21, []);
  expect(ring.clone().slice(0, 99).spans).toEqual([10, 10, 1]);
});

it("moves its slots when the clock is set", () => {
  const ring = new Ring(3);
  ring.push(1, []);
  ring.shift(3600);
  expect(ring.newestX).toBe(3601);
});

it("makes a copy that does not change", () => {
  const ring = new Ring(2);
  ring.push(1, [["load", 1]]);
  const copy = ring.clone();
  ring.push(2, [["load", 2]]);
  ring.push(3, [["load", 3]]);
  expect(copy.slice(0, 9).column("load")).toEqual([1]);
});
