/** What the viewer can do: pause, look back, zoom, choose. Keys, buttons and charts all call these. */
import type { Store } from "./create-store";
import { freezeOf, type Freeze } from "./display";
import type { Telemetry } from "./telemetry";
import type { Focus, SortKey, Theme, View, WindowSeconds } from "./view";

export interface Actions {
  readonly pause: () => void;
  readonly live: () => void;
  readonly togglePause: () => void;
  readonly zoom: (from: number, to: number) => void;
  /** Moves the cursor by seconds; the page stands still while somebody looks back. */
  readonly scrub: (seconds: number) => void;
  readonly setWindow: (seconds: WindowSeconds) => void;
  /** Focuses; a second time it goes on to the chart's next picture. */
  readonly setFocus: (focus: Focus, facets: readonly string[]) => void;
  readonly setFacet: (chart: string, facet: string) => void;
  readonly sortBy: (key: SortKey, shownKey: SortKey) => void;
  readonly setFilter: (filter: string) => void;
  readonly setTheme: (theme: Theme) => void;
  readonly setKiosk: (kiosk: boolean) => void;
}

export interface Choices {
  readonly telemetry: Telemetry;
  readonly view: Store<View>;
  readonly freeze: Store<Freeze | null>;
  readonly cursor: Store<number | null>;
  readonly now: () => number;
}

const NARROWEST_ZOOM_SECONDS = 5;

export function createActions({ telemetry, view, freeze, cursor, now }: Choices): Actions {
  const change = (part: Partial<View>): void => {
    view.update((before) => ({ ...before, ...part }));
  };
  const pause = (): void => {
    if (freeze.get() === null) freeze.set(freezeOf(telemetry, now()));
  };
  const live = (): void => {
    cursor.set(null);
    freeze.set(null);
  };
  return {
    pause,
    live,
    togglePause: () => {
      if (freeze.get() === null) pause();
      else live();
    },
    zoom: (from, to) => {
      if (to - from < NARROWEST_ZOOM_SECONDS) return;
      pause();
      freeze.update((before) => before && { ...before, zoom: { from, to } });
    },
    scrub: (seconds) => {
      pause();
      const frozen = freeze.get();
      if (frozen === null) return;
      const to = frozen.zoom?.to ?? frozen.edge;
      const from = frozen.zoom?.from ?? frozen.edge - view.get().windowSeconds;
      cursor.set(Math.max(from, Math.min(to, (cursor.get() ?? to) + seconds)));
    },
    setWindow: (windowSeconds) => {
      change({ windowSeconds });
      freeze.update((before) => before && { ...before, zoom: null });
    },
    setFocus: (focus, facets) => {
      const before = view.get();
      if (before.focus !== focus) change({ focus });
      else if (facets.length > 1) {
        const at = facets.indexOf(before.facets[focus] ?? facets[0] ?? "");
        change({
          facets: withFacet(before, focus, facets[(at + 1) % facets.length] ?? "", facets[0]),
        });
      }
    },
    setFacet: (chart, facet) => {
      change({ facets: withFacet(view.get(), chart, facet, undefined) });
    },
    sortBy: (key, shownKey) => {
      const { reversed } = view.get();
      change({ sort: key, reversed: key === shownKey && !reversed });
    },
    setFilter: (filter) => {
      change({ filter });
    },
    setTheme: (theme) => {
      change({ theme });
    },
    setKiosk: (kiosk) => {
      change({ kiosk });
    },
  };
}

/** The first facet is the default, and stays out of the address. */
function withFacet(
  { facets }: View,
  chart: string,
  facet: string,
  first: string | undefined,
): Record<string, string> {
  const others = Object.entries(facets).filter(([name]) => name !== chart);
  return Object.fromEntries(facet === first ? others : [...others, [chart, facet]]);
}
