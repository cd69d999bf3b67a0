/** A word about the source of a section, where it is not simply `ok`. What shows a failed section shows the reason. */
import { age } from "../format/time";
import type { SourceState } from "../protocol/frames";
import { usePicture } from "../store/use-telemetry";
import "./source-state.css";

/** Return the state of a section's source; null before the first sample. */
export function useSource(section: string): SourceState | null {
  return usePicture(({ sample }) => sample?.sources[section] ?? null);
}

export function SourceWord({ source }: { source: SourceState | null }) {
  switch (source?.state) {
    case "psutil":
      return (
        <span title={source.reason ?? undefined}>
          psutil
          <span className="visually-hidden">
            : {source.reason ?? "the kernel’s file could not be read"}
          </span>{" "}
        </span>
      );
    case "failed":
      return <span className="warn">▲ failed</span>;
    case "stale":
      return <StaleTag seconds={source.age_seconds} />;
    default:
      return null;
  }
}

export function StaleTag({ seconds }: { seconds: number | null }) {
  return <span className="stale-tag">{seconds === null ? "stale" : `stale ${age(seconds)}`}</span>;
}
