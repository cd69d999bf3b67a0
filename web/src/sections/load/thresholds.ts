/**
 * Pressure measures the time that work really lost, so it has thresholds. Load only counts; it has a threshold only
 * where the kernel does not measure pressure (before Linux 4.20, or without CONFIG_PSI).
 */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

/** Above it, the chart of pressure draws its dotted line. */
export const IO_STALL_WARN_PERCENT = 10;

export function readings({ pressure, load }: Sections): Reading[] {
  const { cpu, memory, io } = pressure ?? {};
  const stalls = [
    reading("stall.io", "io stall", io?.some_percent, { warn: IO_STALL_WARN_PERCENT, margin: 2 }),
    reading("stall.io.full", "io stall of all tasks", io?.full_percent, {
      critical: 30,
      margin: 5,
    }),
    reading("stall.memory", "memory stall", memory?.some_percent, { warn: 5, margin: 1 }),
    reading("stall.memory.full", "memory stall of all tasks", memory?.full_percent, {
      critical: 10,
      margin: 2,
    }),
    reading("stall.cpu", "cpu stall", cpu?.some_percent, { warn: 25, critical: 60, margin: 5 }),
  ];
  if (pressure !== undefined) return stalls;
  return [...stalls, reading("load", "load", load?.avg1_per_cpu, { warn: 2, margin: 0.25 })];
}
