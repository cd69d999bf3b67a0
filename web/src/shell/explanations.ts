/**
 * The explanations of names on the page, by key. Those of the wire are loaded when the first one is needed; the page's
 * own ones are in its modules.
 */
import type { Explanation } from "../protocol/explanations";
import { LISTED as SECTIONS_LISTED, TEXTS } from "../sections/help";

const SHELL_TEXTS: Readonly<Record<string, Explanation>> = {
  "page.login": {
    name: "logged in",
    text: "The name of the token that this page uses. Logging out ends it in this browser only.",
    from: "the server's tokens",
  },
  "page.heartbeat": {
    name: "Heartbeat",
    text: "A tick for each of the last samples, the newest at the right: full for a sample that arrived in time, half for a late one, a stub for one that did not arrive.",
    from: "this page",
  },
};

/** The keys that the help lists. */
export const LISTED: readonly string[] = [...SECTIONS_LISTED, ...Object.keys(SHELL_TEXTS)];

/** Return every explanation, by key. Rejects if the file with those of the wire cannot be loaded. */
export async function loadExplanations(): Promise<Readonly<Record<string, Explanation>>> {
  const { EXPLANATIONS } = await import("../protocol/explanations");
  return { ...EXPLANATIONS, ...TEXTS, ...SHELL_TEXTS };
}
