/** Every key of the page in one table: the help lists it and the page obeys it. */
import { FACETS } from "../charts/catalogue";
import type { Actions } from "../store/actions";
import type { Focus } from "../store/view";

export interface Doing extends Actions {
  readonly toggleTheme: () => void;
  readonly toggleKiosk: () => void;
  readonly toggleHelp: () => void;
  readonly editFilter: () => void;
}

export interface Key {
  readonly keys: readonly string[];
  readonly shown: string;
  readonly does: string;
  readonly run: (doing: Doing, event: Pick<KeyboardEvent, "shiftKey">) => void;
}

const focus = (key: string, target: Focus, name: string): Key => ({
  keys: [key],
  shown: key,
  does: `focus ${name}; again: its next picture`,
  run: (doing) => {
    doing.setFocus(target, FACETS[target]);
  },
});

const scrub = (key: string, shown: string, sign: number): Key => ({
  keys: [key],
  shown,
  does: `look ${sign < 0 ? "back" : "on"} a second, with Shift ten`,
  run: (doing, { shiftKey }) => {
    doing.scrub(sign * (shiftKey ? 10 : 1));
  },
});

export const KEYS: readonly Key[] = [
  {
    keys: ["p"],
    shown: "p",
    does: "pause, and go on",
    run: (doing) => {
      doing.togglePause();
    },
  },
  {
    keys: ["l", "Escape"],
    shown: "l or Esc",
    does: "back to live",
    run: (doing) => {
      doing.live();
    },
  },
  {
    keys: ["1"],
    shown: "1",
    does: "window of a minute",
    run: (doing) => {
      doing.setWindow(60);
    },
  },
  {
    keys: ["2"],
    shown: "2",
    does: "window of five minutes",
    run: (doing) => {
      doing.setWindow(300);
    },
  },
  {
    keys: ["3"],
    shown: "3",
    does: "window of ten minutes",
    run: (doing) => {
      doing.setWindow(600);
    },
  },
  scrub("ArrowLeft", "←", -1),
  scrub("ArrowRight", "→", 1),
  {
    keys: ["/"],
    shown: "/",
    does: "filter processes; Esc leaves",
    run: (doing) => {
      doing.editFilter();
    },
  },
  focus("c", "cpu", "CPU"),
  focus("m", "memory", "memory"),
  focus("i", "load", "load and stalls"),
  focus("n", "network", "network"),
  focus("d", "disk", "disks"),
  focus("h", "heat", "heat"),
  {
    keys: ["t"],
    shown: "t",
    does: "dark or light",
    run: (doing) => {
      doing.toggleTheme();
    },
  },
  {
    keys: ["k"],
    shown: "k",
    does: "kiosk: for a wall",
    run: (doing) => {
      doing.toggleKiosk();
    },
  },
  {
    keys: ["?"],
    shown: "?",
    does: "this help",
    run: (doing) => {
      doing.toggleHelp();
    },
  },
];

/** No key acts while somebody types, nor together with the browser's own modifiers. */
export function keyFor(event: KeyboardEvent): Key | null {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return null;
  return KEYS.find(({ keys }) => keys.includes(event.key)) ?? null;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
