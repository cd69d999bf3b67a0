/** One tile of the vital row: name and aside, numeral, strip, sparkline, one line. It is a button. */
import type { ReactNode } from "react";

import { FACETS } from "../charts/catalogue";
import { age } from "../format/time";
import type { Quantity } from "../format/numbers";
import { isCut } from "../store/freshness";
import type { Focus } from "../store/view";
import { SourceWord } from "./panel";
import { useDisplay, usePicture, useSession, useView } from "../store/use-telemetry";

export interface VitalProps {
  readonly focus: Focus;
  readonly name: string;
  readonly explain: string;
  /** Where its numbers come from: a source that failed or answered otherwise says so in the aside. */
  readonly section: string;
  readonly aside: ReactNode;
  readonly numeral: ReactNode;
  readonly strip: ReactNode;
  readonly spark: ReactNode;
  readonly line: ReactNode;
}

export function Vital({
  focus,
  name,
  explain,
  section,
  aside,
  numeral,
  strip,
  spark,
  line,
}: VitalProps) {
  const { actions } = useSession();
  const on = useView((view) => view.focus === focus);
  const source = usePicture(({ sample }) => sample?.sources[section] ?? null);
  const old = useDisplay(({ fresh, paused }) => {
    if (paused || !isCut(fresh)) return null;
    return fresh.ageSeconds === null ? null : `${age(fresh.ageSeconds)} old`;
  });
  return (
    <button
      type="button"
      className={on ? "vital on" : "vital"}
      aria-pressed={on}
      data-explain={explain}
      data-focus={focus}
      onClick={() => {
        actions.setFocus(focus, FACETS[focus]);
      }}
    >
      <span className="top">
        <b>{name}</b>
        <span className="aside">
          {old ?? (
            <>
              <SourceWord source={source} /> {source?.state !== "failed" && aside}
            </>
          )}
        </span>
      </span>
      {numeral}
      {strip}
      {spark}
      <span className="sub">{line}</span>
    </button>
  );
}

export function Numeral({ value, unit, testId }: Quantity & { readonly testId?: string }) {
  return (
    <span className="num">
      <span>
        <span className="v" data-testid={testId}>
          {value}
        </span>
        <span className="u">{unit}</span>
      </span>
    </span>
  );
}

export interface PairProps {
  readonly marks: readonly [string, string];
  readonly words: readonly [string, string];
  readonly one: Quantity;
  readonly other: Quantity;
}

export function Pair({ marks, words, one, other }: PairProps) {
  return (
    <span className="num two">
      {[one, other].map(({ value, unit }, at) => (
        <span className="row" key={marks[at]}>
          <i aria-hidden="true">{marks[at]}</i>
          <span className="hidden">{words[at]} </span>
          <span className="v">{value}</span>
          <span className="u">{unit}</span>
        </span>
      ))}
    </span>
  );
}

/** `user 20 %`: one of the secondary values, marked where it passed a threshold. */
export function Sub({ name, children, level, optional }: SubProps) {
  const mark =
    level === undefined ? null : <span className="mark">{level === "critical" ? "■" : "▲"}</span>;
  const tone = level === undefined ? "" : level === "critical" ? "c" : "w";
  return (
    <span className={optional === true ? "opt" : tone}>
      {mark}
      <em>{name}</em>
      {children}
    </span>
  );
}

interface SubProps {
  readonly name: string;
  readonly children: ReactNode;
  readonly level?: "warn" | "critical" | undefined;
  readonly optional?: boolean;
}
