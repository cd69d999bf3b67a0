/** Every key of the page, in one table: the help lists it, and the page looks it up. */
import { SECTION_KEYS, VITALS } from "../sections";
import type { Actions } from "../store/actions";
import type { Page } from "../store/page";
import type { WindowSeconds } from "../store/view";

/** The actions that keys can start: those of the viewer, and those for the page as a whole. */
export interface PageActions extends Actions {
  readonly toggleTheme: () => void;
  readonly toggleKiosk: () => void;
  readonly toggleHelp: () => void;
  readonly toggleCommands: () => void;
  readonly toggleAlerts: () => void;
  readonly toggleStatistics: () => void;
}

/** The id of the button that saves the chart in focus. */
export const SAVE_CHART_ID = "save-chart";

export type DialogName = "help" | "commands" | "alerts";

export interface Key<A = PageActions> {
  /** As in `KeyboardEvent.key`. */
  readonly keys: readonly string[];
  /** As in the help. */
  readonly shown: string;
  readonly does: string;
  /** Pressed with Ctrl, or with Cmd on a Mac. Acts also while the viewer types. */
  readonly withControl?: true;
  /** The dialog that it opens and closes. While a dialog is open, only such keys act. */
  readonly dialog?: DialogName;
  readonly run: (actions: A, event: Pick<KeyboardEvent, "shiftKey">) => void;
}

function key<A = PageActions>(name: string, does: string, run: Key<A>["run"]): Key<A> {
  return { keys: [name], shown: name, does, run };
}

function windowKey(name: string, seconds: WindowSeconds, length: string): Key {
  return key(name, `show ${length}`, (actions) => {
    actions.setWindow(seconds);
  });
}

function scrubKey(name: string, shown: string, direction: 1 | -1): Key {
  return {
    keys: [name],
    shown,
    does: `move the cursor ${direction < 0 ? "back" : "forward"} by 1 s, with Shift by 10 s`,
    run: (actions, { shiftKey }) => {
      actions.scrub(direction * (shiftKey ? 10 : 1));
    },
  };
}

export const KEYS: readonly Key[] = [
  key("p", "pause or continue", (actions) => {
    actions.togglePause();
  }),
  {
    keys: ["l", "Escape"],
    shown: "l or Esc",
    does: "return to live",
    run: (actions) => {
      actions.live();
    },
  },
  windowKey("1", 60, "one minute"),
  windowKey("2", 300, "five minutes"),
  windowKey("3", 600, "ten minutes"),
  scrubKey("ArrowLeft", "←", -1),
  scrubKey("ArrowRight", "→", 1),
  ...SECTION_KEYS.map(({ key: name, does, run }) => key(name, does, run)),
  ...VITALS.map(({ key: name, label, focus, chart }) =>
    key(name, `enlarge the ${label} chart; pressed again, show its next view`, (actions) => {
      actions.setFocus(focus, chart.facets);
    }),
  ),
  key("s", "save the chart in focus as PNG", () => {
    document.getElementById(SAVE_CHART_ID)?.click();
  }),
  key("a", "show or hide average, maximum and total", (actions) => {
    actions.toggleStatistics();
  }),
  {
    ...key("w", "show or hide the list of alerts", (actions) => {
      actions.toggleAlerts();
    }),
    dialog: "alerts",
  },
  key("t", "switch between dark and light", (actions) => {
    actions.toggleTheme();
  }),
  key("k", "switch kiosk mode, for a wall screen", (actions) => {
    actions.toggleKiosk();
  }),
  {
    ...key("?", "show or hide the help", (actions) => {
      actions.toggleHelp();
    }),
    dialog: "help",
  },
  {
    keys: ["k"],
    shown: "Ctrl K",
    does: "find a chart, a table, a process or an action",
    withControl: true,
    dialog: "commands",
    run: (actions) => {
      actions.toggleCommands();
    },
  },
];

/** Return the keys that move between the hosts of a front end. */
export function hostKeysOf({
  fleet,
  pause,
}: Pick<Page, "fleet" | "pause">): readonly Key<Pick<Actions, "live">>[] {
  if (fleet === null) return [];
  const escape: Key<Pick<Actions, "live">> = {
    keys: ["Escape"],
    shown: "Esc",
    does: "return to live; from there, to all hosts",
    run: ({ live }) => {
      if (pause.get() === null) fleet.close();
      else live();
    },
  };
  return [
    key("[", "show the previous host, in the order of the overview", () => {
      fleet.step(-1);
    }),
    key("]", "show the next host", () => {
      fleet.step(1);
    }),
    escape,
  ];
}

/** Return the keys of this page. */
export function keysOf(page: Pick<Page, "fleet" | "pause">): readonly Key[] {
  return [...hostKeysOf(page), ...KEYS];
}

/**
 * Return the entry for a pressed key. Keys without Ctrl act neither while the viewer types nor, if they have one
 * character, without `characterKeys`: who dictates or trembles presses them by accident (WCAG 2.1.4).
 */
export function keyFor<A = PageActions>(
  event: KeyboardEvent,
  characterKeys: boolean,
  all: readonly Key<A>[],
): Key<A> | null {
  if (event.altKey) return null;
  if (event.ctrlKey || event.metaKey) {
    // Caps Lock makes the letter a capital; with Shift, the browser has keys of its own.
    const pressed = event.shiftKey ? "" : event.key.toLowerCase();
    return all.find(({ keys, withControl }) => withControl && keys.includes(pressed)) ?? null;
  }
  if (isTyping(event.target) || (!characterKeys && event.key.length === 1)) return null;
  return all.find(({ keys, withControl }) => !withControl && keys.includes(event.key)) ?? null;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
