/**
 * The hosts of a mock front end. `rowsAt(t)` is a pure function of the second and the number of hosts, except for the
 * states that a test sets. Not a reference for the format: that are the golden frames.
 */
import { round } from "./mock-devices.js";
import { noise } from "./mock-host.js";

const COLUMNS = [
  ...["number", "state", "age_seconds", "skew_seconds", "cpu", "memory", "swap"],
  ...["load", "pressure", "disk", "filesystem", "rx", "tx", "celsius"],
];
const ALERT_COLUMNS = ["critical", "warning", "info", "alert"];
const ROLES = [
  ["web", 34, 48],
  ["db", 22, 78],
  ["cache", 11, 61],
  ["worker", 68, 42],
  ["build", 51, 36],
  ["edge", 9, 27],
  ["mail", 6, 33],
  ["nas", 4, 52],
];
const SITES = ["east", "west", "lab"];
/** By place: what is wrong with some of the hosts. */
const FAILING = {
  3: ["lost", 71, "No answer from cache-1.east (timed out)"],
  10: ["late", 5, null],
  17: ["unreachable", 240, "The network of this front end is down"],
  22: ["gone", 3725, "The program was stopped"],
  29: [
    "duplicate",
    2,
    "web-9 has the same id 000000000000001e; give one of them another with --host-id",
  ],
  38: ["incompatible", null, "Wrong token"],
};
const REASONS = { lost: "No answer", late: null };

export function createFleet(count, { hostile = false } = {}) {
  const set = new Map();
  const hosts = Array.from({ length: count }, (_, at) => {
    const [role] = ROLES[at % ROLES.length];
    const number = at + 1;
    return {
      number,
      id: number.toString(16).padStart(16, "0"),
      name: `${role}-${Math.floor(at / ROLES.length) + 1}`,
      site: SITES[at % SITES.length],
      tags: at % 5 === 0 ? ["canary", role] : [role],
    };
  });
  if (hostile) {
    hosts[0].name = "<img src=x onerror=alert(1)>".repeat(40);
    hosts[1].name = "\u202egnp.exe";
    hosts[1].tags = Array.from({ length: 500 }, (_, n) => `tag ${n}`);
  }
  const failing = (at) => set.get(at) ?? FAILING[at] ?? null;
  const valuesAt = (at, t) => {
    const [, cpu, memory] = ROLES[at % ROLES.length];
    const swing = noise(t, at) * 6 + noise(Math.floor(t / 20), at + 7) * 14;
    const load = Math.max(0.4, Math.min(100, cpu + swing));
    return [
      round(load, 1),
      round(Math.min(99, memory + noise(Math.floor(t / 60), at) * 6 + (at === 9 ? 17 : 0)), 1),
      0,
      round(load / 40),
      round(Math.max(0, noise(Math.floor(t / 10), at + 3) * 4), 1),
      round(Math.max(0, load / 2 + noise(t, at + 1) * 20), 1),
      round(at === 4 ? 97.8 : at === 12 ? 92.4 : 20 + ((at * 37) % 64), 1),
      round(Math.max(300, (load * 41_000 + noise(t, at + 2) * 90_000) * (at % 7)), 0),
      round(Math.max(200, load * 9000 * (at % 4)), 0),
      at % 6 === 5 ? null : round(34 + load * 0.4, 0),
    ];
  };
  const alertsAt = (at) => {
    if (at === 4) return [1, 0, 0, "/srv is 97.8 % full, 1.2 GiB are left"];
    if (at === 12) return [0, 2, 1, "/ is 92.4 % full, 3.1 GiB are left"];
    if (at === 9) return [0, 1, 0, "Programs wait for memory 8 % of the time"];
    return at === 6 ? [null, null, null, null] : [0, 0, 0, null];
  };
  const stateAt = (at) => {
    const [state, age] = failing(at) ?? ["live", 0];
    return [state, age, at === 5 ? -61.5 : null];
  };
  const rowAt = (at, t) => {
    const [state, age, skew] = stateAt(at);
    const values = age === null ? COLUMNS.slice(4).map(() => null) : valuesAt(at, age > 0 ? 0 : t);
    return [at + 1, state, age, skew, ...values, ...alertsAt(at)];
  };
  const reportOf = (at) => {
    const [critical, warning, info, alert] = alertsAt(at);
    return critical === null ? null : { critical, warning, info, alert };
  };
  const every = (make) => hosts.map((_, at) => make(at));
  return {
    has: (id) => hosts.some((host) => host.id === id),
    set: (name, state) => {
      const at = hosts.findIndex((host) => host.name === name);
      if (state === "live") set.set(at, ["live", 0, null]);
      else set.set(at, [state, state === "incompatible" ? null : 16, REASONS[state] ?? null]);
    },
    names: () => ({ type: "hosts", revision: 1, hosts }),
    overview: (t, time_unix) => ({
      ...{ type: "overview", revision: 1, time_unix, columns: [...COLUMNS, ...ALERT_COLUMNS] },
      rows: every((at) => rowAt(at, t)),
    }),
    report: (t) => ({
      ...{ revision: 1, version: "0.1.0", user: null },
      hosts: hosts.map((host, at) => {
        const [, state, age_seconds, skew_seconds, ...values] = rowAt(at, t);
        const vitals = Object.fromEntries(COLUMNS.slice(4).map((name, n) => [name, values[n]]));
        return {
          ...host,
          ...{ state, reason: failing(at)?.[2] ?? null, age_seconds, skew_seconds },
          alerts: reportOf(at),
          ...{ stream: `mock-${host.id}`, seq: t, vitals: age_seconds === null ? null : vitals },
        };
      }),
    }),
    sparklines: (ids, t) =>
      Object.fromEntries(
        ids.map((id) => {
          const at = Number.parseInt(id, 16) - 1;
          const past = Array.from({ length: 300 }, (_, n) => valuesAt(at, t - 299 + n));
          const series = (column) => past.map((values) => values[column]);
          return [id, { cpu: series(0), memory: series(1), rx: series(7), tx: series(8) }];
        }),
      ),
    /** What its `hello` has instead of that of the mock host. */
    hostOf: (id) => ({ id, name: hosts[Number.parseInt(id, 16) - 1].name }),
  };
}
