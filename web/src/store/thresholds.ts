/**
 * When a number is a warning, and when it is critical. The one table that colours come from.
 *
 * On after 10 s above, off after 30 s below 80 % of the limit, so nothing flickers. CPU use, iowait
 * and load have no limit while there is pressure to read: busy is what the machine is for.
 */
import type { Sample } from "../protocol/frames";
import { sensorKey } from "./flatten";

export type Level = "warn" | "critical";

export interface Alert {
  readonly level: Level;
  /** In the title and to a screen reader: `io stall`. */
  readonly what: string;
}

/** One measured value and the limits that apply to it; either limit may be absent. */
export interface Reading {
  readonly id: string;
  readonly what: string;
  readonly value: number | null;
  readonly warn: number | null;
  readonly critical: number | null;
}

interface Watch {
  readonly level: Level | null;
  readonly aboveSince: Readonly<Record<Level, number | null>>;
  readonly belowSince: number | null;
  readonly what: string;
}

export type Watches = ReadonlyMap<string, Watch>;

const ON_AFTER_SECONDS = 10;
const OFF_AFTER_SECONDS = 30;
const OFF_BELOW = 0.8;

/** The limit above which a chart draws its dotted line. */
export const IO_STALL_WARN_PERCENT = 10;

export function readingsOf({ sections }: Sample): Reading[] {
  const { pressure, load, cpu, memory, swap } = sections;
  const readings: Reading[] = [
    limit("stall.io", "io stall", pressure?.io?.some_percent, IO_STALL_WARN_PERCENT, null),
    limit("stall.io.full", "io stall of everything", pressure?.io?.full_percent, null, 30),
    limit("stall.memory", "memory stall", pressure?.memory?.some_percent, 5, null),
    limit(
      "stall.memory.full",
      "memory stall of everything",
      pressure?.memory?.full_percent,
      null,
      10,
    ),
    limit("stall.cpu", "cpu stall", pressure?.cpu?.some_percent, 25, 60),
    limit("steal", "steal", cpu?.steal_percent, 5, 20),
    limit("memory", "memory short", usedOf(memory?.available_bytes, memory?.total_bytes), 90, 96),
    limit("swap", "swapping in", swap?.in_bytes_per_second, 2 ** 20, null),
  ];
  if (pressure === undefined) readings.push(limit("load", "load", load?.avg1_per_cpu, 2, null));
  for (const { mountpoint, used_percent, inodes_used_percent, stale } of sections.filesystems ??
    []) {
    if (stale === true) continue;
    readings.push(limit(`filesystem:${mountpoint}`, `${mountpoint} full`, used_percent, 90, 97));
    readings.push(
      limit(`inodes:${mountpoint}`, `${mountpoint} inodes`, inodes_used_percent, 90, 97),
    );
  }
  for (const disk of sections.disks ?? []) {
    readings.push(limit(`wait:${disk.name}`, `${disk.name} slow`, waitOf(disk), 100, null));
  }
  for (const nic of sections.interfaces ?? []) {
    const busiest = Math.max(nic.rx_bytes_per_second ?? 0, nic.tx_bytes_per_second ?? 0);
    const use = nic.speed_mbps ? (busiest * 8e-4) / nic.speed_mbps : null;
    readings.push(limit(`link:${nic.name}`, `${nic.name} link full`, use, 90, null));
    readings.push(limit(`errors:${nic.name}`, `${nic.name} errors`, faultsOf(nic), 0, null));
  }
  for (const heat of sections.temperatures ?? []) {
    readings.push(
      limit(
        `heat:${sensorKey(heat)}`,
        `${heat.chip} hot`,
        heat.celsius,
        heat.high_celsius,
        heat.critical_celsius,
      ),
    );
  }
  return readings;
}

/** The longer of the two waits; not known when no request completed, which is not zero. */
export function waitOf(disk: {
  readonly read_await_ms: number | null;
  readonly write_await_ms: number | null;
}): number | null {
  const waits = [disk.read_await_ms, disk.write_await_ms].filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.max(...waits);
}

export function faultsOf(nic: {
  readonly rx_errors_per_second: number | null;
  readonly tx_errors_per_second: number | null;
  readonly rx_drops_per_second: number | null;
  readonly tx_drops_per_second: number | null;
}): number {
  return (
    (nic.rx_errors_per_second ?? 0) +
    (nic.tx_errors_per_second ?? 0) +
    (nic.rx_drops_per_second ?? 0) +
    (nic.tx_drops_per_second ?? 0)
  );
}

/** The watches after one more sample; entities that are gone are forgotten. */
export function watch(before: Watches, readings: readonly Reading[], at: number): Watches {
  const after = new Map<string, Watch>();
  for (const reading of readings) {
    const next = step(before.get(reading.id), reading, at);
    if (next !== null) after.set(reading.id, next);
  }
  return after;
}

export function alertsOf(watches: Watches): ReadonlyMap<string, Alert> {
  const alerts = new Map<string, Alert>();
  for (const [id, { level, what }] of watches) if (level !== null) alerts.set(id, { level, what });
  return alerts;
}

function step(before: Watch | undefined, reading: Reading, at: number): Watch | null {
  const { value, what } = reading;
  if (value === null) return before ?? null;
  const since = (level: Level): number | null => {
    const bound = reading[level];
    return bound !== null && value > bound ? (before?.aboveSince[level] ?? at) : null;
  };
  const aboveSince = { warn: since("warn"), critical: since("critical") };
  let level = before?.level ?? null;
  const lasting = (from: number | null): boolean => from !== null && at - from >= ON_AFTER_SECONDS;
  if (lasting(aboveSince.critical)) level = "critical";
  else if (level === null && lasting(aboveSince.warn)) level = "warn";

  const bound = level === null ? null : reading[level];
  const below = bound !== null && value <= bound * OFF_BELOW;
  const belowSince = below ? (before?.belowSince ?? at) : null;
  if (belowSince !== null && at - belowSince >= OFF_AFTER_SECONDS) {
    level = level === "critical" && aboveSince.warn !== null ? "warn" : null;
  }
  if (level === null && aboveSince.warn === null && aboveSince.critical === null) return null;
  return { level, aboveSince, belowSince, what };
}

function limit(
  id: string,
  what: string,
  value: number | null | undefined,
  warn: number | null,
  critical: number | null,
): Reading {
  return { id, what, value: value ?? null, warn, critical };
}

function usedOf(
  available: number | null | undefined,
  total: number | null | undefined,
): number | null {
  return available == null || total == null || total === 0 ? null : 100 * (1 - available / total);
}
