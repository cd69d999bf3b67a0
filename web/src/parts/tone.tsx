/** The look of an alert: a colour, and a mark for viewers who cannot see the colour. */
import { MARKS, type Level } from "../store/alerts";

/** Return the class for the colour. */
export function toneOf(level: Level | undefined): string {
  return level ?? "";
}

export function Mark({ level }: { level: Level | undefined }) {
  if (level === undefined) return null;
  return <span className="mark">{MARKS[level]}</span>;
}
