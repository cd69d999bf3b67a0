/**
 * How a span of time or a time of day is written. Relies on nothing; the time zone is an argument,
 * since the page speaks in the zone of whoever reads it unless told the host's.
 */
import { UNKNOWN } from "./numbers";

type Maybe = number | null | undefined;

/** `0.3 s`, `42 s`, `3 min 20 s`, `5 h 06 min`, `41 d 06:12`. */
export function duration(seconds: Maybe): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 100) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400)
    return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
  return uptime(whole);
}

/** Whole seconds, for ages that change each second: `4 s`, `3 min 20 s`. */
export function age(seconds: number): string {
  return seconds < 99.5 ? `${Math.floor(seconds)} s` : duration(seconds);
}

export function uptime(seconds: Maybe): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / 86_400);
  const clockPart = `${two(Math.floor(whole / 3600) % 24)}:${two(Math.floor(whole / 60) % 60)}`;
  return days > 0 ? `${days} d ${clockPart}` : clockPart;
}

function two(value: number): string {
  return value.toString().padStart(2, "0");
}

/** `14:06:31`, in the reader's own zone. */
export function clock(unixSeconds: number, withSeconds = true): string {
  const date = new Date(unixSeconds * 1000);
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${minutes}:${two(date.getSeconds())}` : minutes;
}

/** `−3:23`: how long ago. */
export function ago(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `\u2212${Math.floor(whole / 60)}:${two(whole % 60)}`;
}
