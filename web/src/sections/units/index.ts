/** The section `units`: systemd units that failed or are restarted. The panel is shown only while there are any. */
import { loaded } from "../../parts/loaded";
import { hasFailed } from "../../parts/presence";
import type { Section } from "../section";

export const section: Section = {
  order: 88,
  panels: [
    {
      title: "Units",
      place: "column",
      order: 17,
      isShown: (sample) =>
        (sample?.sections.units?.units?.length ?? 0) > 0 || hasFailed(sample, "units"),
      Panel: loaded(async () => (await import("./panel")).UnitsPanel),
    },
  ],
};
