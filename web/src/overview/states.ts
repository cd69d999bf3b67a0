/** The states of a host and how they look: each has a word and a symbol, because not everybody can tell colours apart. */
import type { Level } from "../store/alerts";

export const STATES = [
  "lost",
  "unreachable",
  "duplicate",
  "incompatible",
  "late",
  "gone",
  "live",
  "unknown",
] as const;
/** `unknown`: that of a newer front end. */
export type State = (typeof STATES)[number];

export interface Look {
  readonly symbol: string;
  /** Undefined where nothing is wrong, or nothing that a viewer must act on. */
  readonly level?: Exclude<Level, "info">;
  /** A sentence for viewers who do not know the word. The front end gives the reason for one host. */
  readonly meaning: string;
}

export const LOOKS: Readonly<Record<State, Look>> = {
  lost: {
    symbol: "■",
    level: "critical",
    meaning: "No values for 15 s, although the network of the front end works.",
  },
  unreachable: {
    symbol: "◇",
    level: "critical",
    meaning: "The network of the front end does not work, so the host may be live.",
  },
  duplicate: { symbol: "◫", level: "warn", meaning: "Another host has the same id." },
  incompatible: { symbol: "×", level: "warn", meaning: "The host answers, but cannot be watched." },
  late: { symbol: "▲", level: "warn", meaning: "The last values are older than three intervals." },
  gone: { symbol: "○", meaning: "The program on the host was stopped." },
  live: { symbol: "●", meaning: "" },
  unknown: { symbol: "?", meaning: "This page is older than the front end." },
};
