/** Durations and times of day as text. Times of day are in the browser's time zone. */
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
    return `${Math.floor(whole / 3600)} h ${twoDigits(Math.floor(whole / 60) % 60)} min`;
  return uptime(whole);
}

/** A duration in whole seconds, for ages that change each second: `4 s`, `3 min 20 s`. */
export function age(seconds: number): string {
  return seconds < 99.5 ? `${Math.floor(seconds)} s` : duration(seconds);
}

/** `41 d 06:12`, hours and minutes after the days. */
export function uptime(seconds: Maybe): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / 86_400);
  const time = `${twoDigits(Math.floor(whole / 3600) % 24)}:${twoDigits(Math.floor(whole / 60) % 60)}`;
  return days > 0 ? `${days} d ${time}` : time;
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, "0");
}

/** `14:06:31` */
export function clock(unixSeconds: number, withSeconds = true): string {
  const date = new Date(unixSeconds * 1000);
  const minutes = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  return withSeconds ? `${minutes}:${twoDigits(date.getSeconds())}` : minutes;
}

/** `2026-11-28` */
export function date(unixSeconds: number): string {
  const day = new Date(unixSeconds * 1000);
  return `${day.getFullYear()}-${twoDigits(day.getMonth() + 1)}-${twoDigits(day.getDate())}`;
}

/** The time since then in minutes and seconds: `−3:23`. */
export function ago(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `\u2212${Math.floor(whole / 60)}:${twoDigits(whole % 60)}`;
}
