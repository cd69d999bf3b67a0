/** Messages of a front end with invented hosts. */
import { COLUMNS } from "../../src/overview/frames";

/** By name: the state, and the values that are known. */
export type Fleet = Readonly<
  Record<string, readonly [state: string, values?: Readonly<Record<string, number>>]>
>;

const numberOf = (name: string) => name.charCodeAt(0);
const namesOf = (fleet: Fleet) =>
  Object.keys(fleet).map((name) => ({
    ...{ number: numberOf(name), id: `id-${name}`, name, site: "east", tags: [name] },
  }));

export function hostsText(fleet: Fleet, revision = 1): string {
  return JSON.stringify({ type: "hosts", revision, hosts: namesOf(fleet) });
}

export function overviewText(fleet: Fleet, revision = 1): string {
  const rows = Object.entries(fleet).map(([name, [state, values = {}]]) => [
    ...[numberOf(name), state, state === "live" ? 0 : 20, null],
    ...COLUMNS.map((column) => values[column] ?? null),
  ]);
  const columns = ["number", "state", "age_seconds", "skew_seconds", ...COLUMNS];
  return JSON.stringify({ type: "overview", revision, time_unix: 1, columns, rows });
}

export function reportText(fleet: Fleet, { revision = 1, reason = "No answer" } = {}): string {
  const hosts = namesOf(fleet).map((host) => {
    const [state, vitals = {}] = fleet[host.name] ?? ["live"];
    const isLive = state === "live";
    return { ...host, state, reason: isLive ? null : reason, age_seconds: isLive ? 0 : 20, vitals };
  });
  return JSON.stringify({ revision, hosts, version: "1.2.3", user: "kitchen" });
}
