/** A tile: name and aside, numeral, strip, sparkline and a line of details. It is the button that focuses its chart. */
import type { ReactNode } from "react";

import type { SourceState } from "../protocol/frames";
import type { Quantity } from "../format/numbers";
import { age } from "../format/time";
import { isDisconnected } from "../store/freshness";
import { levelAbout, type Level } from "../store/alerts";
import { useDisplay, usePage, useShown, useView } from "../store/use-telemetry";
import { SourceWord, useSource } from "./source-state";
import { Mark, toneOf } from "../charts/tone";
import "./tile.css";

export interface TileProps {
  readonly focus: string;
  /** The views of its chart: pressed again, the tile goes on to the next one. */
  readonly facets: readonly string[];
  readonly name: string;
  /** The sections whose alerts mark it. */
  readonly about: readonly string[];
  /** The key of its explanation. */
  readonly explain: string;
  /** The section of its numbers. A source that is not `ok` has a word in the aside. */
  readonly section: string;
  readonly aside: ReactNode;
  readonly numeral: ReactNode;
  readonly strip: ReactNode;
  readonly spark: ReactNode;
  readonly details: ReactNode;
}

export function Tile(props: TileProps) {
  const { focus, facets, about, name, explain, numeral, strip, spark, details } = props;
  const { actions } = usePage();
  const level = useShown(({ alerts }) => levelAbout(alerts, about));
  const focused = useView((view) => view.focus === focus);
  const source = useSource(props.section);
  return (
    <button
      type="button"
      className={focused ? "tile focused" : "tile"}
      aria-pressed={focused}
      data-explain={explain}
      data-focus={focus}
      onClick={() => {
        actions.setFocus(focus, facets);
      }}
    >
      <span className="tile-head">
        <b>
          {name}
          {level !== undefined && (
            <span className={`alerted ${toneOf(level)}`}>
              <Mark level={level} />
            </span>
          )}
        </b>
        <span className="aside">
          <Aside source={source}>{props.aside}</Aside>
        </span>
      </span>
      {numeral}
      {strip}
      {spark}
      {source?.state === "failed" ? (
        <span className="details failed">
          <span className="cause" title={source.reason ?? undefined}>
            {source.reason ?? "the source failed"}
          </span>
        </span>
      ) : (
        <span className="details">{details}</span>
      )}
    </button>
  );
}

/** While disconnected, the age of the values. */
function Aside({ source, children }: { source: SourceState | null; children: ReactNode }) {
  const old = useDisplay(({ fresh, paused }) =>
    paused || !isDisconnected(fresh) || fresh.ageSeconds === null
      ? null
      : `${age(fresh.ageSeconds)} old`,
  );
  if (old !== null) return old;
  return (
    <>
      <SourceWord source={source} /> {source?.state !== "failed" && children}
    </>
  );
}

/** In place of a tile that could not be drawn. */
export function FailedTile({ name, reason }: { name: string; reason: string }) {
  return (
    <div className="tile">
      <span className="tile-head">
        <b>{name}</b>
        <span className="aside">
          <span className="warn">▲ failed</span>
        </span>
      </span>
      <p className="reason">{reason}</p>
    </div>
  );
}

export function Numeral({ value, unit, testId }: Quantity & { readonly testId?: string }) {
  return (
    <span className="numeral">
      <span>
        <span className="value" data-testid={testId}>
          {value}
        </span>
        <span className="unit">{unit}</span>
      </span>
    </span>
  );
}

export interface DetailProps {
  readonly name: string;
  readonly children: ReactNode;
  /** That of the worst alert about the value. */
  readonly level?: Level | undefined;
  /** Left out where there is little space. */
  readonly optional?: boolean;
}

/** `user 20 %`: one of the values in the last line of a tile. */
export function Detail({ name, children, level, optional }: DetailProps) {
  return (
    <span className={optional === true ? "optional" : toneOf(level)}>
      <Mark level={level} />
      <em>{name}</em>
      {children}
    </span>
  );
}
