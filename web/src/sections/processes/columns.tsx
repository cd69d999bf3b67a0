/** The columns of the table and their heads. A head sorts by its column; a second click reverses the order. */
import { memo } from "react";

import { usePage } from "../../store/use-telemetry";
import { ascends, SORT_KEYS, type SortKey } from "./order";

const HEADS: Readonly<Record<SortKey, { label: string; className: string; explain?: string }>> = {
  pid: { label: "pid", className: "right not-phone" },
  command: { label: "command", className: "" },
  user: { label: "user", className: "not-phone not-narrow" },
  state: { label: "s", className: "state", explain: "processes.top[].state" },
  cpu: { label: "cpu %", className: "right", explain: "processes.top[].cpu_percent" },
  memory: { label: "memory", className: "right", explain: "processes.top[].memory_rss_bytes" },
  threads: { label: "thr", className: "right not-phone not-narrow" },
};

export const Columns = memo(function Columns() {
  return (
    <colgroup>
      {SORT_KEYS.map((name) => (
        <col key={name} className={`col-${name}`} />
      ))}
    </colgroup>
  );
});

interface HeadsProps {
  readonly sortKey: SortKey;
  readonly reversed: boolean;
}

export const Heads = memo(function Heads({ sortKey, reversed }: HeadsProps) {
  const { actions } = usePage();
  const ascending = ascends(sortKey, reversed);
  return (
    <thead>
      <tr>
        {SORT_KEYS.map((name) => {
          const { label, className, explain } = HEADS[name];
          const sorted = name === sortKey;
          const direction = sorted ? (ascending ? "ascending" : "descending") : undefined;
          return (
            <th
              key={name}
              scope="col"
              className={`${className}${sorted ? " sorted" : ""}`}
              aria-sort={direction}
              data-explain={explain}
            >
              <button
                type="button"
                aria-label={name === "state" ? "state" : undefined}
                onClick={() => {
                  actions.sortBy(name, sortKey);
                }}
              >
                {label}
                {sorted && <i className={ascending ? "up" : "down"} />}
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
});
