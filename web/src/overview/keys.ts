/** The keys of the overview. Those that the page of a host has too do the same, or sort by the same quantity. */
import type { Key } from "../shell/keys";
import type { Sort } from "./order";

export interface OverviewActions {
  readonly sortBy: (sort: Sort) => void;
  readonly toggleShape: () => void;
  readonly filter: () => void;
  readonly clear: () => void;
  readonly toggleTheme: () => void;
  readonly toggleKiosk: () => void;
  readonly toggleHelp: () => void;
  readonly toggleCommands: () => void;
}

type OverviewKey = Key<OverviewActions>;

function key(name: string, does: string, run: (actions: OverviewActions) => void): OverviewKey {
  return { keys: [name], shown: name, does, run };
}

function sortKey(name: string, sort: Sort, by: string): OverviewKey {
  return key(name, `sort by ${by}; pressed again, in reverse`, ({ sortBy }) => {
    sortBy(sort);
  });
}

export const KEYS: readonly OverviewKey[] = [
  key("/", "filter by name, site and tag", ({ filter }) => {
    filter();
  }),
  key("Escape", "show all hosts again", ({ clear }) => {
    clear();
  }),
  sortKey("w", "worst", "state, the worst first"),
  sortKey("c", "cpu", "CPU"),
  sortKey("m", "memory", "memory"),
  sortKey("d", "disk", "busiest disk"),
  sortKey("f", "filesystem", "fullest filesystem"),
  sortKey("n", "rx", "received bytes"),
  sortKey("h", "celsius", "temperature"),
  key("v", "switch between table and tiles", ({ toggleShape }) => {
    toggleShape();
  }),
  key("t", "switch between dark and light", ({ toggleTheme }) => {
    toggleTheme();
  }),
  key("k", "switch kiosk mode, for a wall screen", ({ toggleKiosk }) => {
    toggleKiosk();
  }),
  {
    ...key("?", "show or hide the help", ({ toggleHelp }) => {
      toggleHelp();
    }),
    dialog: "help",
  },
  {
    keys: ["k"],
    shown: "Ctrl K",
    does: "find a host or an action",
    withControl: true,
    dialog: "commands",
    run: ({ toggleCommands }) => {
      toggleCommands();
    },
  },
];

/** For the help. The hosts handle these keys themselves. */
export const HOST_KEYS = [
  { shown: "arrows", does: "move between hosts; also Page Up, Page Down, Home and End" },
  { shown: "Enter", does: "show the dashboard of the host" },
  { shown: "[ and ]", does: "on a dashboard: show the previous or the next host" },
] as const;
