/**
 * The time between two samples, and what is missing between them. It comes from the uptime where both have it, because
 * the wall clock may be set. Each sample has its own interval, because a server without viewers takes samples less
 * often. Pure.
 */
import type { Hello, SampleHead } from "../protocol/frames";

export interface Step {
  /** From one sample to the other. */
  readonly seconds: number;
  /** The seconds that the later sample describes. The rest is a gap. */
  readonly span: number;
  /** Samples of the same run between them. */
  readonly missed: number;
  readonly restarted: boolean;
  /** The seconds by which the host's clock was set between them; 0 for small differences. */
  readonly clockStep: number;
}

const CLOCK_STEP_SECONDS = 2;
/** Of floating-point numbers: 1 / 0.1 may be slightly more than 10. */
const ROUNDING = 1e-9;

/**
 * Return the step. There is a gap when `seq` jumps (samples were dropped), or when more time passed than the later
 * sample describes (a suspend, or a restart of the server).
 */
export function stepBetween(before: SampleHead, after: SampleHead, hello: Hello | null): Step {
  const tick = describedSeconds(after, hello);
  const sameRun = before.stream === after.stream;
  const seconds = secondsBetween(before, after);
  const clockStep = after.time_unix - before.time_unix - seconds;
  const ticks = Math.round((after.seq - before.seq) / (hello?.every ?? 1));
  const missed = sameRun ? Math.max(0, ticks - 1) : 0;
  const skipped = sameRun && seconds < 2.5 * tick ? 0 : Math.round(seconds / tick) - 1;
  const empty = Math.max(0, missed, skipped);
  return {
    seconds,
    span: seconds / (empty + 1),
    missed,
    restarted: !sameRun,
    clockStep: Math.abs(clockStep) > CLOCK_STEP_SECONDS ? clockStep : 0,
  };
}

/** Return the seconds between two samples of this viewer. */
export function tickSeconds(hello: Hello | null): number {
  return hello === null ? 1 : hello.interval_seconds * (hello.every ?? 1);
}

/**
 * Return the n for which the page asks for every n-th sample: it shows at most one sample per second, so that the slots
 * of the ring are enough for the longest window.
 */
export function everyFor({ interval_seconds }: Pick<Hello, "interval_seconds">): number {
  return Math.ceil(1 / interval_seconds - ROUNDING);
}

/** Return whether the page asked for fewer samples than it could show, because the line is slow. */
export function isPaced(hello: Hello): boolean {
  return (hello.every ?? 1) > everyFor(hello);
}

/**
 * Return the seconds that a sample describes. Its interval does not include a suspend. A late tick of the server makes
 * it longer, but no shorter than the configured one.
 */
export function describedSeconds({ interval_seconds }: SampleHead, hello: Hello | null): number {
  const every = hello?.every ?? 1;
  return Math.max(tickSeconds(hello), (interval_seconds ?? 0) * every);
}

/** Return the seconds by uptime, which includes suspend and cannot be set. It falls only when the host was rebooted. */
function secondsBetween(before: SampleHead, after: SampleHead): number {
  const wall = Math.max(1e-3, after.time_unix - before.time_unix);
  if (before.uptime_seconds === null || after.uptime_seconds === null) return wall;
  const uptime = after.uptime_seconds - before.uptime_seconds;
  return uptime > 0 ? uptime : wall;
}
