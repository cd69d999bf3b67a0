import { describe, expect, it } from "vitest";

import { changesBetween, countsOf, levelAbout } from "../../src/store/alerts";
import { alertOf, alertsOf, alertsText } from "../support/alerts";
import { golden } from "../support/frames";

const SRV = alertOf({ labels: { mountpoint: "/srv" } });
const ROOT = alertOf({ labels: { mountpoint: "/" }, severity: "critical" });
const STALL = alertOf({
  rule: "io_pressure",
  severity: "info",
  section: "pressure.io",
  fields: ["pressure.io.some_percent"],
});

it("are those of the golden message", () => {
  expect(alertsOf(golden("alerts")).firing).toMatchObject([
    {
      rule: "filesystem_full",
      level: "warn",
      section: "filesystems",
      fields: ["filesystems.used_percent"],
      labels: { mountpoint: "/srv" },
      isKnown: true,
      untilUnix: null,
    },
  ]);
});

it("have the most severe first, and are counted by level", () => {
  const alerts = alertsOf(alertsText([STALL, SRV, ROOT]));
  expect(alerts.firing?.map(({ level }) => level)).toEqual(["critical", "warn", "info"]);
  expect(countsOf(alertsOf(alertsText([SRV, STALL])))).toEqual([
    ["warn", 1],
    ["info", 1],
  ]);
});

it("of an older server, without section and fields, are about nothing", () => {
  const { section, fields, labels, known, state, ...old } = SRV;
  const alerts = alertsOf(alertsText([old]));
  expect(alerts.firing).toMatchObject([{ section: null, fields: [], labels: {}, isKnown: true }]);
  expect(levelAbout(alerts, "filesystems")).toBeUndefined();
});

it("mark a section, its parts and its fields, and only the row with their labels", () => {
  const alerts = alertsOf(alertsText([SRV, ROOT, STALL]));
  expect(levelAbout(alerts, "filesystems")).toBe("critical");
  expect(levelAbout(alerts, "filesystems", { mountpoint: "/srv", device: null })).toBe("warn");
  expect(levelAbout(alerts, "filesystems", { mountpoint: "/home" })).toBeUndefined();
  expect(levelAbout(alerts, ["load", "pressure"])).toBe("info");
  expect(levelAbout(alerts, "pressure.io.some_percent")).toBe("info");
  expect(levelAbout(alerts, "pressure.i")).toBeUndefined();
  expect(levelAbout(alerts, "pressure.memory")).toBeUndefined();
});

describe("that resolved", () => {
  const resolved = { ...SRV, state: "resolved" };

  it("end with the sample that reported it", () => {
    const alerts = alertsOf(alertsText([SRV, ROOT]), alertsText([ROOT, resolved]));
    expect(alerts.firing?.map(({ labels }) => labels["mountpoint"])).toEqual(["/"]);
    expect(alerts.resolved).toMatchObject([
      { labels: { mountpoint: "/srv" }, untilUnix: 1_764_000_042 },
    ]);
  });

  it("are known, too, if the message was lost", () => {
    const alerts = alertsOf(alertsText([SRV]), alertsText([], { time_unix: null }));
    expect(alerts.resolved).toMatchObject([{ untilUnix: 1_764_000_050 }]);
  });

  it("are only those that are reported, while some that fire are left out", () => {
    const full = alertsText([ROOT], { omitted_alerts: 1 });
    const left = alertsOf(alertsText([SRV]), full);
    expect([left.resolved, left.firing?.length, left.omitted]).toEqual([[], 1, 1]);
    const later = alertsText([ROOT, resolved], { omitted_alerts: 1 });
    expect(alertsOf(alertsText([SRV]), full, later).resolved).toHaveLength(1);
    const alerts = alertsOf(alertsText([SRV]), full, full, alertsText([ROOT]));
    expect(alerts.resolved).toMatchObject([{ labels: { mountpoint: "/srv" } }]);
  });

  it("are forgotten after an hour", () => {
    const later = alertsText([ROOT], { time_unix: 1_764_000_042 + 3600 });
    expect(alertsOf(alertsText([resolved]), later).resolved).toEqual([]);
  });

  it("are kept, without firing ones, when the server has no rules any more", () => {
    const alerts = alertsOf(alertsText([resolved, ROOT]), alertsText(null));
    expect([alerts.firing, alerts.resolved.length]).toEqual([null, 1]);
  });
});

it("do not change when they are left out for a while", () => {
  const full = alertsOf(alertsText([SRV]), alertsText([], { omitted_alerts: 1 }));
  const again = alertsOf(alertsText([SRV]));
  expect(changesBetween(full, again)).toEqual({ fired: [], resolved: [] });
  expect(changesBetween(full, alertsOf(alertsText([]))).resolved).toHaveLength(1);
});

it("change when they fire, get worse or resolve, and not when they are repeated", () => {
  const changes = (before: string, after: string) => {
    const one = alertsOf(before);
    const { fired, resolved } = changesBetween(one, alertsOf(after));
    return [fired.map(({ key }) => key), resolved.map(({ key }) => key)];
  };
  const key = 'filesystem_full {"mountpoint":"/srv"}';
  const [srv, none] = [alertsText([SRV]), alertsText([])];
  expect(changes(none, srv)).toEqual([[key], []]);
  expect(changes(srv, alertsText([{ ...SRV, text: "93 %" }]))).toEqual([[], []]);
  expect(changes(srv, alertsText([{ ...SRV, severity: "critical" }]))).toEqual([[key], []]);
  expect(changes(srv, none)).toEqual([[], [key]]);
  expect(changes(srv, alertsText(null))).toEqual([[], []]);
  const resolved = { ...SRV, state: "resolved" };
  expect(changes(srv, alertsText([], { omitted_alerts: 1 }))).toEqual([[], []]);
  expect(changes(srv, alertsText([resolved], { omitted_alerts: 1 }))).toEqual([[], [key]]);
});
