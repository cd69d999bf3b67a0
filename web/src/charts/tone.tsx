/** The look of an alert: a colour, a mark for viewers who cannot see the colour, and a word for screen readers. */
import { MARKS, SEVERITIES, type Level } from "../store/alerts";

/** Return the class for the colour. */
export function toneOf(level: Level | undefined): string {
  return level ?? "";
}

export function Mark({ level }: { level: Level | undefined }) {
  if (level === undefined) return null;
  return (
    <>
      <span className="mark" aria-hidden="true">
        {MARKS[level]}
      </span>
      <span className="visually-hidden">{SEVERITIES[level]} </span>
    </>
  );
}
