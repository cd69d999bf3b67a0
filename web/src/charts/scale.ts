/**
 * The axes: a round number at the top of y, and times at round minutes on x. Pure. The top follows the highest value
 * of the window and of the minute before it, so the axis does not jump when a peak leaves the window.
 */
const STEPS = [1, 2, 3, 4, 5, 6, 8, 10] as const;

/** Return the next of 1, 2, 3, 4, 5, 6, 8 × 10ⁿ at or above `value`, and at or above `floor`. */
export function roundTop(value: number, floor: number): number {
  const lowest = Math.max(value, floor);
  const power = 10 ** Math.floor(Math.log10(lowest));
  // With a tolerance: 3 × 10ⁿ computed in floating point must not become 4 × 10ⁿ.
  const step = STEPS.find((candidate) => candidate * power >= lowest * (1 - 1e-9)) ?? 10;
  return step * power;
}

export interface Unit {
  readonly name: string;
  readonly size: number;
}

/** Return the unit of an axis of bytes. */
export function byteUnit(top: number): Unit {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.max(
    0,
    Math.min(names.length - 1, Math.floor(Math.log2(Math.max(1, top * 1.0001)) / 10)),
  );
  return { name: names[power] ?? "B", size: 1024 ** power };
}

/** Return a top that is round in its own unit, and at least 1 KiB: 300 MiB/s, not 300 000 000 bytes. */
export function roundByteTop(highest: number): number {
  const lowest = Math.max(highest, 1024);
  const { size } = byteUnit(lowest);
  const top = roundTop(lowest / size, 1);
  // 1 MiB/s is easier to read than 1000 KiB/s.
  return top < 999.5 ? top * size : roundTop(lowest / size / 1024, 0.1) * size * 1024;
}

const GRID_SECONDS = [5, 15, 60, 120] as const;

/** Return 15 s, 1 min or 2 min for windows of 1, 5 and 10 min, and 5 s when zoomed in. */
export function timeStep(windowSeconds: number): number {
  if (windowSeconds <= 25) return GRID_SECONDS[0];
  if (windowSeconds <= 90) return GRID_SECONDS[1];
  return windowSeconds <= 300 ? GRID_SECONDS[2] : GRID_SECONDS[3];
}

export function timeTicks(from: number, to: number): number[] {
  const step = timeStep(to - from);
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at);
  return ticks;
}
