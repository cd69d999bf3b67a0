/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
  listed: ["storage"],
};
