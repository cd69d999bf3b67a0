/** What the command palette offers, and which of it matches a text. Nothing is drawn here. */
import { VITALS, type PlacedVital } from "../sections";
import type { Fleet, ListedHost } from "../store/page";
import { KEYS, type Key, type PageActions } from "./keys";

export interface Command {
  readonly group: string;
  readonly label: string;
  /** The key that does the same. */
  readonly shortcut?: string;
  readonly run: () => void;
}

export interface CommandContext {
  readonly actions: PageActions;
  /** Those that this host has. */
  readonly vitals: readonly PlacedVital[];
  /** The parts of the page that have a title. */
  readonly panels: readonly HTMLElement[];
  readonly processes: readonly string[];
  readonly filter: string;
  /** Null on a server with one host. */
  readonly fleet: Pick<Fleet, "list" | "open" | "close"> | null;
  /** As `Host.id`, of the host that is shown. */
  readonly hostId: string | null;
}

/** Return the commands without a query, in the order in which they are listed. */
export function commandsOf({
  actions,
  vitals,
  panels,
  processes,
  filter,
  fleet,
  hostId,
}: CommandContext): Command[] {
  const charts = vitals.flatMap(({ focus, label, key, chart: { facets } }) =>
    facets.map((facet, at) => ({
      group: "Charts",
      label: facets.length > 1 ? `${label}: ${facet}` : label,
      ...(at === 0 && { shortcut: key }),
      run: () => {
        actions.setFocus(focus, []);
        actions.setFacet(focus, facet);
        // Once React has drawn it.
        requestAnimationFrame(() => {
          document.querySelector<HTMLElement>(`[data-chart="${focus}"]`)?.focus();
        });
      },
    })),
  );
  const tables = panels.map((panel) => ({
    group: "Tables",
    label: panel.dataset["panel"] ?? "",
    run: () => {
      panel.focus();
    },
  }));
  const ofKeys = actionsOf(
    KEYS.filter(({ shown }) => !isOfChart(shown)),
    actions,
  );
  const names = filter === "" ? processes : ["", ...processes];
  const filters = names.map((name) => ({
    group: "Processes",
    label: name === "" ? "all processes" : name,
    run: () => {
      actions.setFilter(name);
    },
  }));
  return [...charts, ...tables, ...ofKeys, ...filters, ...hostsOf(fleet, hostId)];
}

/** Return the commands that show another host of a front end, or all of them. */
function hostsOf(fleet: CommandContext["fleet"], hostId: string | null): Command[] {
  if (fleet === null) return [];
  // While a host is shown, the overview does not run, so the states that it has are old.
  const others = fleet
    .list()
    .filter(({ id }) => id !== hostId)
    .map((host) => ({ ...host, state: "live" as const }));
  return [
    { group: "Hosts", label: "all hosts", run: fleet.close },
    ...openingOf(others, fleet.open),
  ];
}

/** Return a command for each host, which opens it. */
export function openingOf(hosts: readonly ListedHost[], open: Fleet["open"]): Command[] {
  return hosts.map(({ id, name, state }) => ({
    group: "Hosts",
    label: state === "live" ? name : `${name} · ${state}`,
    run: () => {
      open(id);
    },
  }));
}

/** Return a command for each of these keys, except for the one that opens the palette. */
export function actionsOf<A>(keys: readonly Key<A>[], actions: A): Command[] {
  return keys
    .filter(({ dialog }) => dialog !== "commands")
    .map(({ shown, does, run }) => ({
      group: "Actions",
      label: does.split(";")[0] ?? does,
      shortcut: shown,
      run: () => {
        run(actions, { shiftKey: false });
      },
    }));
}

/** Return whether the list has a chart in place of this key. */
function isOfChart(shown: string): boolean {
  return VITALS.some(({ key }) => key === shown);
}

/** Return the commands that have every word of the query, with the best matches and their groups first. */
export function matching(commands: readonly Command[], query: string): Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands
    .map((command) => ({ command, rank: rankOf(command, words) }))
    .filter(({ rank }) => rank < Infinity);
  const best = new Map<string, number>();
  for (const { command, rank } of found) {
    best.set(command.group, Math.min(rank, best.get(command.group) ?? Infinity));
  }
  const order = [...best.keys()].sort(
    (one, other) => (best.get(one) ?? 0) - (best.get(other) ?? 0),
  );
  return order.flatMap((group) =>
    found
      .filter(({ command }) => command.group === group)
      .sort((one, other) => one.rank - other.rank)
      .map(({ command }) => command),
  );
}

/** Return 0 where the label begins with the first word, 1 where each word begins one, 2 elsewhere; else infinity. */
function rankOf({ group, label }: Command, words: readonly string[]): number {
  const text = label.toLowerCase();
  const all = `${text} ${group.toLowerCase()}`;
  if (!words.every((word) => all.includes(word))) return Infinity;
  if (words[0] === undefined || text.startsWith(words[0])) return 0;
  const parts = text.split(/[^\p{L}\p{N}]+/u);
  return words.every((word) => parts.some((part) => part.startsWith(word))) ? 1 : 2;
}
