/** A region of the page with a title, an aside, and a word about its source. */
import type { ReactNode } from "react";

import { explained } from "./explained";
import { SourceWord, useSource } from "./source-state";
import "./panel.css";

export interface PanelProps {
  readonly title: string;
  /** The key of its explanation. */
  readonly explain: string;
  readonly section: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

export function Panel({ title, explain, section, aside, children, className = "" }: PanelProps) {
  const source = useSource(section);
  return (
    <section className={`panel ${className}`} aria-label={title} data-panel={title} tabIndex={-1}>
      <div className="panel-head">
        <h2 {...explained(explain)}>{title}</h2>
        <span className="right">
          <SourceWord source={source} />
          {aside}
        </span>
      </div>
      {source?.state === "failed" ? (
        <p className="reason">{source.reason ?? "the source failed"}</p>
      ) : (
        children
      )}
    </section>
  );
}

/** In place of a panel that could not be drawn. */
export function FailedPanel({ title, reason }: { title: string; reason: string }) {
  return (
    <section className="panel" aria-label={title} data-panel={title}>
      <div className="panel-head">
        <h2>{title}</h2>
        <span className="right warn">▲ failed</span>
      </div>
      <p className="reason">This part of the page failed: {reason}</p>
    </section>
  );
}

export interface Fact {
  readonly name: string;
  readonly value: ReactNode;
  readonly explain?: string;
}

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl>
      {facts.map(({ name, value, explain }, index) => (
        <div key={index}>
          <dt>
            <span {...explained(explain)}>{name}</span>
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
