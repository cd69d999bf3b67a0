/** The look of a value that has crossed a threshold: a colour, and a mark for viewers who cannot see the colour. */
import type { Level } from "../store/thresholds";

/** Return the class for the colour. */
export function toneOf(level: Level | undefined): string {
  return level ?? "";
}

export function Mark({ level }: { level: Level | undefined }) {
  if (level === undefined) return null;
  return <span className="mark">{level === "critical" ? "■" : "▲"}</span>;
}
