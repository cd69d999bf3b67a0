/** What the sections add to the help and the tooltips. No other file of the sections imports this one: it is loaded later. */
import type { Explanation } from "../protocol/explanations";
import { FOLDERS } from ".";
import type { SectionHelp } from "./section";

const modules = import.meta.glob<SectionHelp>("./*/help.ts", { eager: true, import: "help" });
const HELPS = FOLDERS.flatMap((folder) => modules[`${folder}/help.ts`] ?? []);

export const TEXTS: Readonly<Record<string, Explanation>> = Object.assign(
  {},
  ...HELPS.map(({ texts }) => texts ?? {}),
) as Record<string, Explanation>;

export const LISTED: readonly string[] = HELPS.flatMap(({ listed }) => listed);
