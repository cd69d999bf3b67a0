// @vitest-environment jsdom
import { fireEvent, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";

import { faultsOf, linkSpeed, linkUse } from "../../src/sections/network/link";
import { golden, sampleAt, sampleText } from "../support/frames";
import { connect, installPage } from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

it.each([
  [1000, "1 Gbit/s"],
  [2500, "2.5 Gbit/s"],
  [100, "100 Mbit/s"],
  [0, null],
  [-1, null],
  [null, null],
])("writes a link of %s Mbit/s as %s", (mbps, text) => {
  expect(linkSpeed(mbps)).toBe(text);
});

it("compares a link in decimal bits with its speed", () => {
  const use = new Map(
    sampleAt(1).sections.interfaces?.map((one) => [one.name, linkUse(one)] as const),
  );
  expect(use.get("enp5s0")).toBeCloseTo(0.623, 3);
  expect(use.get("docker0")).toBeNull();
});

it("does not take what is unknown for 0", () => {
  const [first] = sampleAt(1).sections.interfaces ?? [];
  if (first === undefined) throw new Error("no interface");
  const unknown = {
    ...{ ...first, speed_mbps: 1000, rx_bytes_per_second: null, tx_bytes_per_second: null },
    ...{ rx_errors_per_second: null, tx_errors_per_second: null },
    ...{ rx_drops_per_second: null, tx_drops_per_second: null },
  };
  expect([linkUse(unknown), faultsOf([unknown]), faultsOf([])]).toEqual([null, null, null]);
  const known = {
    ...unknown,
    tx_bytes_per_second: 0,
    tx_drops_per_second: 2,
    rx_errors_per_second: 1,
  };
  expect([linkUse(known), faultsOf([unknown, known])]).toEqual([0, 3]);
});

describe("the panels", () => {
  installPage();

  it("show an interface that is down as such, and open a drawer below its row", async () => {
    const interfaces = [
      { name: "lo", rx_bytes_per_second: 1 },
      { name: "veth1", counted: false, rx_bytes_per_second: 2048, tx_bytes_per_second: 1024 },
      {
        name: "eth0",
        operstate: "down",
        speed_mbps: 1000,
        addresses: "192.0.2.7/24",
        signal_dbm: -56,
      },
    ];
    await connect(golden("hello"), sampleText({ interfaces }));
    const rows = () =>
      [...document.querySelectorAll(".interfaces tbody tr")].map((row) => row.textContent);
    expect(rows()).toEqual(["eth0down", "veth12.00 Ki1.00 Ki", "lo1 B–"]);
    fireEvent.click(screen.getByRole("button", { name: "eth0" }));
    expect(rows()[1]).toContain("link1 Gbit/s");
    expect(rows()[1]).toContain("addresses192.0.2.7/24signal-56 dBm");
  });

  it("show an unknown rate or number as such", async () => {
    const interfaces = [{ name: "eth0", rx_bytes_per_second: 1, speed_mbps: 1000 }];
    const tcp = { states: { established: 5, time_wait: null } };
    await connect(golden("hello"), sampleText({ interfaces, tcp }));
    const tile = document.querySelector("[data-focus=network]")?.textContent;
    expect(tile).toContain("drops–");
    const panel = screen.getByRole("region", { name: "TCP" }).textContent;
    expect(panel).toContain("time wait–");
    expect(panel).toContain("listen0");
  });

  it("show the counters that the kernel always has where TCP states are not counted", async () => {
    const tcp = { current_established: 5, time_wait: 2, inuse: 9 };
    await connect(golden("hello"), sampleText({ tcp }));
    const panel = screen.getByRole("region", { name: "TCP" }).textContent;
    expect(panel).toContain("established5");
    expect(panel).toContain("in use9");
    expect(panel).not.toContain("listen");
  });
});
