/** A region of the page: title, aside, and how its section came about when that is worth a word. */
import type { ReactNode } from "react";

import { age } from "../format/time";
import type { SourceState } from "../protocol/frames";
import { usePicture } from "../store/use-telemetry";

export interface PanelProps {
  readonly title: string;
  readonly explain?: string;
  readonly section?: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

export function Panel({ title, explain, section, aside, children, className = "" }: PanelProps) {
  const source = usePicture((picture) =>
    section === undefined ? null : (picture.sample?.sources[section] ?? null),
  );
  return (
    <section className={`panel ${className}`} aria-label={title} data-panel={title}>
      <div className="head">
        <h2 data-explain={explain} tabIndex={explain === undefined ? undefined : 0}>
          {title}
        </h2>
        <span className="r">
          <SourceWord source={source} />
          {aside}
        </span>
      </div>
      {source?.state === "failed" ? (
        <p className="why">{source.reason ?? "the source failed"}</p>
      ) : (
        children
      )}
    </section>
  );
}

export function SourceWord({ source }: { source: SourceState | null }) {
  switch (source?.state) {
    case "psutil":
      return (
        <span
          title={`answered by psutil: ${source.reason ?? "the kernel's file could not be read"}`}
        >
          psutil{" "}
        </span>
      );
    case "failed":
      return (
        <span className="w" title={source.reason ?? undefined}>
          ▲ failed
        </span>
      );
    case "stale":
      return <StaleTag seconds={source.age_seconds} />;
    default:
      return null;
  }
}

export function StaleTag({ seconds }: { seconds: number | null }) {
  return <span className="tag">{seconds === null ? "stale" : `stale ${age(seconds)}`}</span>;
}

export interface FactsProps {
  readonly rows: readonly (readonly [name: string, value: ReactNode, explain?: string])[];
}

/** Names and values, one under the other. */
export function Facts({ rows }: FactsProps) {
  return (
    <dl>
      {rows.map(([name, value, explain]) => (
        <div key={name}>
          <dt data-explain={explain}>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Whether a section has a place: it is there, or it failed and says why, or nothing came yet. */
export function useHas(section: string): boolean {
  return usePicture(({ sample }) => {
    if (sample === null) return true;
    return section in sample.sections || sample.sources[section]?.state === "failed";
  });
}
