/**
 * The axes: a y top that is a round number and a time grid at round times. Pure: the top follows the
 * highest value of the window and of the minute before it, so a peak that leaves the picture does
 * not make the axis jump at once.
 */
const STEPS = [1, 2, 3, 4, 5, 6, 8, 10] as const;

/** The next of 1, 2, 3, 4, 5, 6, 8 × 10ⁿ at or above `value`; at least `floor`. */
export function roundTop(value: number, floor: number): number {
  const least = Math.max(value, floor);
  const power = 10 ** Math.floor(Math.log10(least));
  // A hair of tolerance: 3 × 10ⁿ computed in floating point must not become 4 × 10ⁿ.
  const step = STEPS.find((candidate) => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return step * power;
}

export interface Unit {
  readonly name: string;
  readonly size: number;
}

/** The unit in which a byte axis is written; its ticks are bare numbers. */
export function byteUnit(top: number): Unit {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.max(
    0,
    Math.min(names.length - 1, Math.floor(Math.log2(Math.max(1, top * 1.0001)) / 10)),
  );
  return { name: names[power] ?? "B", size: 1024 ** power };
}

/** Round in its own unit, a KiB at least: 300 MiB/s, not 300 000 000 bytes. */
export function roundByteTop(highest: number): number {
  const least = Math.max(highest, 1024);
  const { size } = byteUnit(least);
  const top = roundTop(least / size, 1);
  // 1000 KiB/s reads better as 1 MiB/s.
  return top < 999.5 ? top * size : roundTop(least / size / 1024, 0.1) * size * 1024;
}

const GRID_SECONDS = [5, 15, 60, 120] as const;

/** Each 15 s, minute or 2 min for windows of 1, 5 and 10 minutes; finer when zoomed in. */
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
