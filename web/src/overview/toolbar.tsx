/** Below the header: the counts by state, which are filters, the filter by words, the order, and table or map. */
import { count } from "../format/numbers";
import { useStore, useView } from "../store/use-telemetry";
import { SHAPES, withState, type Shape } from "./choices";
import type { OverviewState, RunningOverview } from "./create-overview";
import { groupOf } from "./groups";
import { SORTS, type Sort } from "./order";
import { LOOKS, type State } from "./states";

/** The key `/` finds the field by this id. */
export const FILTER_ID = "host-filter";

export const SORT_NAMES: Readonly<Record<Sort, string>> = {
  worst: "worst first",
  name: "name",
  cpu: "cpu",
  memory: "memory",
  disk: "busiest disk",
  filesystem: "fullest filesystem",
  rx: "received",
  tx: "sent",
  celsius: "temperature",
};

export interface ToolbarProps {
  readonly overview: RunningOverview;
  readonly state: OverviewState;
  readonly shape: Shape;
  /** The number of hosts that are left. */
  readonly shown: number;
  readonly held: boolean;
}

export function Toolbar({ overview, state, shape, shown, held }: ToolbarProps) {
  const kiosk = useView((view) => view.kiosk);
  const choices = useStore(overview.choices, (now) => now);
  // A chosen state keeps its button when no host is in it any more.
  const states = new Map([...choices.states.map((one) => [one, 0] as const), ...state.counts]);
  const total = state.rows.length;
  return (
    <div className="toolbar">
      <div className="states" role="group" aria-label="Filter by state">
        {[...states].map(([one, hosts]) => (
          <StateButton
            key={one}
            state={one}
            hosts={hosts}
            pressed={choices.states.includes(one)}
            press={() => {
              overview.choices.update((before) => withState(before, one));
            }}
          />
        ))}
      </div>
      <span className="faint shown">
        {shown < total ? `${count(shown)} of ${count(total)} shown` : ""}
      </span>
      {/* It keeps its space, so that nothing moves when it appears. */}
      <span
        className={held ? "held" : "held off"}
        title="the hosts keep their places while the pointer or the focus is on one of them"
      >
        order held
      </span>
      {!kiosk && (
        <>
          <Groups overview={overview} state={state} group={choices.group} />
          <label className="order">
            <span className="faint">order</span>
            <select
              value={choices.sort}
              onChange={({ target }) => {
                const sort = SORTS.find((one) => one === target.value) ?? "worst";
                overview.choices.update((before) => ({ ...before, sort, reversed: false }));
              }}
            >
              {SORTS.map((sort) => (
                <option key={sort} value={sort}>
                  {SORT_NAMES[sort]}
                </option>
              ))}
            </select>
          </label>
          <div className="windows" role="group" aria-label="View">
            {SHAPES.map((one) => (
              <button
                type="button"
                key={one}
                aria-pressed={one === shape}
                onClick={() => {
                  overview.choices.update((before) => ({ ...before, shape: one }));
                }}
              >
                {one === "map" ? "Tiles" : "Table"}
              </button>
            ))}
          </div>
          <label className="filter">
            <span className="visually-hidden">filter by name, site and tag</span>
            <input
              id={FILTER_ID}
              type="search"
              placeholder="filter"
              value={choices.filter}
              maxLength={200}
              spellCheck={false}
              autoComplete="off"
              onChange={({ target }) => {
                overview.choices.update((before) => ({ ...before, filter: target.value }));
              }}
            />
            <kbd aria-hidden="true">/</kbd>
          </label>
        </>
      )}
    </div>
  );
}

interface GroupsProps extends Pick<ToolbarProps, "overview" | "state"> {
  readonly group: string | null;
}

/** Not shown where no host has a site or a tag. */
function Groups({ overview, state: { groups }, group }: GroupsProps) {
  if (groups.length === 0 && group === null) return null;
  const isKnown = group === null || groups.some(({ key }) => key === group);
  const all = isKnown ? groups : [...groups, groupOf(group, 0)];
  return (
    <label className="order">
      <span className="faint">group</span>
      <select
        value={group ?? ""}
        onChange={({ target: { value } }) => {
          overview.choices.update((before) => ({ ...before, group: value === "" ? null : value }));
        }}
      >
        <option value="">all hosts</option>
        {(["site", "tag"] as const).map((kind) => (
          <optgroup key={kind} label={kind}>
            {all
              .filter((one) => one.kind === kind)
              .map(({ key, name, hosts }) => (
                <option key={key} value={key}>
                  {name} ({count(hosts)})
                </option>
              ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

interface StateButtonProps {
  readonly state: State;
  readonly hosts: number;
  readonly pressed: boolean;
  readonly press: () => void;
}

function StateButton({ state, hosts, pressed, press }: StateButtonProps) {
  const { symbol, level, meaning } = LOOKS[state];
  return (
    <button type="button" aria-pressed={pressed} title={meaning} data-state={state} onClick={press}>
      <span className={`symbol ${level ?? state}`} aria-hidden="true">
        {symbol}
      </span>
      <b>{count(hosts)}</b> {state}
    </button>
  );
}
