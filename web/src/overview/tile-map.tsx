/**
 * The map: a tile for each host, with its state, its name, one value, and a strip in the colour of that value. It shows
 * many hosts at a glance; the value is that of the order, else CPU. Only the tiles on screen are in the document.
 */
import { memo, useEffect, useRef, useState } from "react";

import { byteRateText, fixed, percentText, UNKNOWN } from "../format/numbers";
import { age } from "../format/time";
import { useLayout } from "../parts/layout";
import { toneOf } from "../charts/tone";
import { MARKS } from "../store/alerts";
import { ageOf } from "./create-overview";
import type { Column } from "./frames";
import { stateText } from "./note";
import { levelOf, type Row, type Sort } from "./order";
import { hrefOf } from "./row";
import { LOOKS } from "./states";
import type { HostTableProps } from "./table";
import { useHostList } from "./use-hosts";
import "./tile-map.css";

/** The least width of a tile and its height with the gap below it, in rem. */
const WIDTH_REM = 8.5;
const HEIGHT_REM = 2.75;

export function TileMap({ overview, rows, state, fresh, choices }: HostTableProps) {
  const { scale } = useLayout();
  const list = useRef<HTMLUListElement>(null);
  const perLine = usePerLine(list, WIDTH_REM * 16 * scale);
  const height = Math.round(HEIGHT_REM * 16 * scale);
  const { parts, active, handlers } = useHostList({
    ...{ overview, rows, list, perLine, height },
  });
  const highest = Math.max(
    1,
    ...rows.map(({ values }) => Math.max(values.rx ?? 0, values.tx ?? 0)),
  );
  return (
    <ul
      className="tile-map"
      aria-label="Hosts"
      ref={list}
      {...handlers}
      style={{ "--row": `${height}px`, "--per-line": perLine } as React.CSSProperties}
    >
      {parts.flatMap((part) => {
        if (part.kind === "space") {
          const style = { height: `calc(var(--row) * ${part.rows})` };
          return (
            <li key={`space ${part.before}`} className="space" aria-hidden="true" style={style} />
          );
        }
        const from = part.at * perLine;
        return rows
          .slice(from, from + perLine)
          .map((row, index) => (
            <Tile
              key={row.number}
              active={from + index === active}
              {...{ row, state, fresh, highest }}
              sort={choices.sort}
            />
          ));
      })}
    </ul>
  );
}

interface TileProps extends Pick<HostTableProps, "state" | "fresh"> {
  readonly row: Row;
  readonly active: boolean;
  readonly sort: Sort;
  /** The highest rate of all hosts. */
  readonly highest: number;
}

/** With memo: while the page scrolls, only the tiles that appear are drawn. */
const Tile = memo(({ row, active, sort, highest, state, fresh }: TileProps) => {
  const column = sort === "worst" || sort === "name" ? "cpu" : sort;
  const alerted = levelOf(row);
  const level = alerted ?? LOOKS[row.state].level;
  const symbol = alerted === undefined ? LOOKS[row.state].symbol : MARKS[alerted];
  return (
    <li data-host={row.number}>
      <a
        href={hrefOf(row.host.id)}
        tabIndex={active ? 0 : -1}
        aria-describedby={`state-${row.number}`}
        className={`host-tile ${row.state === "live" ? "" : "old"} ${toneOf(level)}`}
      >
        <i className={`heat data h${heatOf(row.values[column], column, highest)}`} />
        <span className="name">
          <span className="symbol" aria-hidden="true">
            {symbol}
          </span>
          {row.host.name}
        </span>
        <span className="value">{valueText(row, column, ageOf(row, state, fresh))}</span>
      </a>
      <span hidden id={`state-${row.number}`}>
        {stateText(row, state, fresh)}
      </span>
    </li>
  );
});

function usePerLine(list: React.RefObject<HTMLElement | null>, least: number): number {
  const [perLine, setPerLine] = useState(1);
  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      setPerLine(Math.max(1, Math.floor(element.clientWidth / least)));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [list, least]);
  return perLine;
}

const STEPS = 8;
const COLD_CELSIUS = 25;
const HOT_CELSIUS = 95;

/** Return one of eight steps. Rates have no scale of their own, so the highest one on the page is the last step. */
export function heatOf(value: number | null, column: Column, highest: number): number {
  if (value === null) return 0;
  const share =
    column === "celsius"
      ? (value - COLD_CELSIUS) / (HOT_CELSIUS - COLD_CELSIUS)
      : column === "rx" || column === "tx"
        ? Math.log1p(Math.max(0, value)) / Math.log1p(highest)
        : value / 100;
  return Math.max(0, Math.min(STEPS - 1, Math.floor(share * STEPS)));
}

/** A tile has little space. */
const SHORT: Partial<Record<Column, string>> = { filesystem: "fs", memory: "mem" };

function valueText({ state, values }: Row, column: Column, ageSeconds: number | null): string {
  if (state !== "live") {
    const old = ageSeconds !== null && ageSeconds > 0 ? ` ${age(ageSeconds)}` : "";
    return `${state}${old}`;
  }
  const value = values[column];
  if (value === null) return UNKNOWN;
  if (column === "celsius") return `${fixed(value, 0)} °C`;
  if (column === "rx" || column === "tx") return byteRateText(value);
  return column === "cpu" ? percentText(value) : `${SHORT[column] ?? column} ${percentText(value)}`;
}
