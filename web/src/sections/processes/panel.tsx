/**
 * The table of processes. It asks for processes only while it is on screen. The frame, its buttons and the field for the
 * filter are there from the beginning, so that keys and links find them; the rows are loaded after that.
 */
import { useCallback, useRef, useState } from "react";

import { count } from "../../format/numbers";
import { explained } from "../../parts/explained";
import { loaded } from "../../parts/loaded";
import { useOnScreen } from "../../parts/on-screen";
import { useHold } from "../../parts/use-hold";
import { useHost, useStore } from "../../store/use-telemetry";
import { Filter } from "./filter";
import { ALL_ID } from "./ids";
import type { RowsProps } from "./rows";
import { createProcessTable, type ProcessState } from "./table";
import "./processes.css";

const Rows = loaded<RowsProps>(async () => (await import("./rows")).Rows, <div className="rows" />);

export function ProcessPanel() {
  const { watchSections } = useHost();
  const [processes] = useState(createProcessTable);
  const [isAll, setAll] = useState(false);
  const place = useRef<HTMLElement>(null);
  const watch = useCallback(
    () => watchSections(["processes"], processes),
    [watchSections, processes],
  );
  useOnScreen(place, watch);
  const state = useStore(processes.store, (now) => now);
  const body = useRef<HTMLTableSectionElement>(null);
  const hold = useHold(body, state.table);
  return (
    <section
      className="processes"
      id="processes"
      data-panel="Processes"
      tabIndex={-1}
      aria-label="Processes"
      ref={place}
    >
      <Head
        state={state}
        held={hold.held}
        isAll={isAll}
        toggleAll={() => {
          setAll(!isAll);
        }}
      />
      <Rows {...{ processes, state, isAll, place, body, hold }} />
    </section>
  );
}

interface HeadProps {
  readonly state: ProcessState;
  readonly held: boolean;
  readonly isAll: boolean;
  readonly toggleAll: () => void;
}

function Head({ state: { table, source }, held, isAll, toggleAll }: HeadProps) {
  const states = table?.by_state;
  const waiting = states?.["disk_sleep"] ?? 0;
  return (
    <div className="panel-head">
      <h2 {...explained("processes")}>Processes</h2>
      <span data-testid="process-count">{count(table?.total)}</span>
      <span className="not-phone">{count(states?.["running"])} running</span>
      <span className={waiting > 0 ? "waiting secondary" : "waiting"}>
        {count(states == null ? null : waiting)} waiting on disk
      </span>
      {/* It keeps its space, so that nothing moves when it appears. */}
      <span
        className={held ? "held" : "held off"}
        title="the rows keep their places while the pointer or the focus is on one of them"
      >
        order held
      </span>
      {source === "psutil" && <span>psutil</span>}
      <button
        id={ALL_ID}
        type="button"
        className="all"
        aria-pressed={isAll}
        title="list every process in pages"
        onClick={toggleAll}
      >
        all<kbd aria-hidden="true">e</kbd>
      </button>
      <Filter />
    </div>
  );
}
