import { expect, it } from "vitest";

import {
  decodeHosts,
  decodeOverview,
  decodeSparklines,
  MAX_HOSTS,
} from "../../src/overview/frames";
import { golden, goldenObject } from "../support/frames";

const hostsWith = (...hosts: unknown[]) =>
  decodeOverview(JSON.stringify({ type: "hosts", revision: 1, hosts }));
const overviewWith = (changes: Record<string, unknown>) => {
  const frame = decodeOverview(JSON.stringify({ ...goldenObject("overview"), ...changes }));
  if (frame.type !== "overview") throw new Error(JSON.stringify(frame));
  return frame.readings;
};

it("reads the golden messages", () => {
  const hosts = decodeOverview(golden("hosts"));
  expect(hosts).toMatchObject({ type: "hosts", revision: 3, more: 0 });
  expect(hosts.type === "hosts" && hosts.hosts[0]).toEqual({
    number: 1,
    id: "0000000000000001",
    name: "ada",
    site: "east",
    tags: ["db", "eu"],
  });
  const overview = decodeOverview(golden("overview"));
  expect(overview).toMatchObject({ type: "overview", revision: 3 });
  expect(overview.type === "overview" && overview.readings[1]).toMatchObject({
    number: 2,
    state: "live",
    ageSeconds: 0,
    skewSeconds: -61.5,
    values: { cpu: 97.1, swap: null, filesystem: 93.2, rx: 12_500_000, celsius: null },
    alerts: { critical: 0, warn: 2, info: 1, text: "<b>/srv</b> is 93.2 % full, 12 GiB are left" },
  });
});

it("reads the same values from the message and from the golden answer of /api/v1/hosts", () => {
  const report = decodeHosts(golden("api-hosts"));
  expect(report.readings).toEqual(overviewWith({}));
  expect(report.reasons.get(3)).toBe("No answer");
  expect(report.reasons.has(1)).toBe(false);
  expect([report.version, report.user]).toEqual(["0.1.0", "kitchen"]);
});

it("knows nothing of the alerts of an older host, and cuts texts", () => {
  const columns = ["number", "state", "critical", "warning", "info", "alert"];
  const rows = [
    [1, "live", null, null, null, null],
    [2, "live", 1, 0, 0, "x".repeat(500)],
  ];
  const [older, hostile] = overviewWith({ columns, rows });
  expect(older?.alerts).toBeNull();
  expect(hostile?.alerts?.text).toHaveLength(120);
  expect(overviewWith({ columns: ["number", "state"], rows: [[3, "live"]] })[0]?.alerts).toBeNull();
});

it("tolerates new columns and states, and columns in another order", () => {
  const columns = ["state", "number", "quantum", "cpu"];
  const [reading] = overviewWith({ columns, rows: [["dreaming", 7, { a: 1 }, 50]] });
  expect(reading).toMatchObject({ number: 7, state: "unknown", ageSeconds: null });
  expect(reading?.values).toMatchObject({ cpu: 50, memory: null });
});

it("leaves out entries that it cannot read, and keeps the others", () => {
  const columns = ["number", "state", "cpu"];
  const rows = [null, "row", [], ["1", "live"], [1, "live", "hot"], [2, "late", 3]];
  expect(overviewWith({ columns, rows }).map(({ number, values }) => [number, values.cpu])).toEqual(
    [
      [1, null],
      [2, 3],
    ],
  );
  const found = hostsWith({ number: 1 }, 5, { number: 2, id: "b", name: "b" });
  expect(found.type === "hosts" && found.hosts.map(({ id }) => id)).toEqual(["b"]);
});

it("limits the number of hosts, the length of texts, and the number of tags", () => {
  const many = Array.from({ length: MAX_HOSTS + 5 }, (_, n) => ({
    number: n,
    id: `${n}`,
    name: "x",
  }));
  const frame = hostsWith(...many);
  expect(frame).toMatchObject({ type: "hosts", more: 5 });
  expect(frame.type === "hosts" && frame.hosts.length).toBe(MAX_HOSTS);
  const long = "x".repeat(10_000);
  const tags = Array.from({ length: 40 }, () => long);
  const one = hostsWith({ number: 1, id: "a", name: long, site: long, tags });
  expect(one.type === "hosts" && JSON.stringify(one.hosts).length).toBeLessThan(5000);
  // An id that is shortened would be that of another host.
  expect(hostsWith({ number: 1, id: long, name: "a" })).toMatchObject({ hosts: [] });
});

it("shows hidden characters of a name as escapes", () => {
  const frame = hostsWith({ number: 1, id: "a", name: "\u202egnp.exe" });
  expect(frame.type === "hosts" && frame.hosts[0]?.name).toBe("\\u202egnp.exe");
});

it.each([
  [17, "not a text message"],
  ["{", "JSON"],
  ["[]", "expected an object"],
  ['{"type":"overview","revision":1,"columns":["number"],"rows":5}', "expected a list"],
  ['{"type":"hosts","revision":"x","hosts":[]}', "expected a number"],
])("reports %s as an error", (message, reason) => {
  const frame = decodeOverview(message);
  expect(frame.type === "error" && frame.reason).toContain(reason);
});

it("ignores messages of other types", () => {
  expect(decodeOverview('{"type":"roll"}')).toEqual({ type: "ignored" });
});

it("reads sparklines, up to 300 points, and leaves out what it cannot read", () => {
  const points = Array.from({ length: 400 }, (_, n) => (n === 399 ? null : n));
  const found = decodeSparklines(
    JSON.stringify({ sparklines: { a: { cpu: points, secret: [1] }, b: { cpu: "no" }, c: 5 } }),
  );
  expect([...found.keys()]).toEqual(["a"]);
  expect(Object.keys(found.get("a") ?? {})).toEqual(["cpu"]);
  expect(found.get("a")?.["cpu"]).toHaveLength(300);
  expect(found.get("a")?.["cpu"]?.at(-1)).toBeNull();
});
