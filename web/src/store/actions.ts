/** The actions of the viewer: pause, look back, zoom, choose. Keys, buttons and charts all call these functions. */
import type { Store } from "./create-store";
import { timelineOf, type Pause } from "./timeline";
import type { Theme, View, WindowSeconds } from "./view";

export interface Actions {
  readonly pause: () => void;
  readonly live: () => void;
  readonly togglePause: () => void;
  readonly zoom: (from: number, to: number) => void;
  /** Pauses, and moves the cursor by seconds. */
  readonly scrub: (seconds: number) => void;
  readonly setWindow: (seconds: WindowSeconds) => void;
  /** Focuses a vital and sorts the processes by it. If it is in focus already, shows the next view of its chart. */
  readonly setFocus: (focus: string, facets: readonly string[]) => void;
  readonly setFacet: (focus: string, facet: string) => void;
  /** Sorts the processes. `shownKey` is the column that they are sorted by now: chosen again, it reverses. */
  readonly sortBy: (key: string, shownKey: string) => void;
  readonly setFilter: (filter: string) => void;
  readonly setStatistics: (statistics: boolean) => void;
  readonly setTheme: (theme: Theme) => void;
  readonly setKiosk: (kiosk: boolean) => void;
  readonly setCharacterKeys: (characterKeys: boolean) => void;
}

export interface ActionStores {
  readonly view: Store<View>;
  readonly pause: Store<Pause | null>;
  readonly cursor: Store<number | null>;
  /** Returns the present time of the host on the page, see `liveEdge`. */
  readonly now: () => number;
}

const MIN_ZOOM_SECONDS = 5;

export function createActions({ view, pause: paused, cursor, now }: ActionStores): Actions {
  const change = (part: Partial<View>): void => {
    view.update((before) => ({ ...before, ...part }));
  };
  const pause = (): void => {
    if (paused.get() === null) paused.set({ edge: now(), zoom: null });
  };
  const live = (): void => {
    cursor.set(null);
    paused.set(null);
  };
  return {
    pause,
    live,
    togglePause: () => {
      if (paused.get() === null) pause();
      else live();
    },
    zoom: (from, to) => {
      if (to - from < MIN_ZOOM_SECONDS) return;
      pause();
      paused.update((before) => before && { ...before, zoom: { from, to } });
    },
    scrub: (seconds) => {
      pause();
      const { from, to } = timelineOf(paused.get(), view.get().windowSeconds, now());
      cursor.set(Math.max(from, Math.min(to, (cursor.get() ?? to) + seconds)));
    },
    setWindow: (windowSeconds) => {
      change({ windowSeconds });
      paused.update((before) => before && { ...before, zoom: null });
    },
    setFocus: (focus, facets) => {
      const before = view.get();
      // The viewer looks for the cause of this vital, so the processes are sorted by it again.
      change({ focus, sort: null, reversed: false });
      if (before.focus !== focus) return;
      if (facets.length > 1) {
        const at = facets.indexOf(before.facets[focus] ?? facets[0] ?? "");
        const next = facets[(at + 1) % facets.length] ?? "";
        change({ facets: withFacet(before, focus, next, facets[0]) });
      }
    },
    setFacet: (focus, facet) => {
      change({ facets: withFacet(view.get(), focus, facet, undefined) });
    },
    sortBy: (key, shownKey) => {
      const { reversed } = view.get();
      change({ sort: key, reversed: key === shownKey && !reversed });
    },
    setFilter: (filter) => {
      change({ filter });
    },
    setStatistics: (statistics) => {
      change({ statistics });
    },
    setTheme: (theme) => {
      change({ theme });
    },
    setKiosk: (kiosk) => {
      change({ kiosk });
    },
    setCharacterKeys: (characterKeys) => {
      change({ characterKeys });
    },
  };
}

/** The facet `first` is the default and is not written in the address. */
function withFacet(
  { facets }: View,
  focus: string,
  facet: string,
  first: string | undefined,
): Record<string, string> {
  const others = Object.entries(facets).filter(([name]) => name !== focus);
  return Object.fromEntries(facet === first ? others : [...others, [focus, facet]]);
}
