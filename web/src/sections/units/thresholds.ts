/** A failed unit is a warning: only the viewer can tell how important it is. One that restarts may recover. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

export function readings({ units }: Sections): Reading[] {
  return (units?.units ?? []).map(({ name, state }) =>
    reading(`unit:${name}`, `${name} failed`, Number(state === "failed"), { warn: 0, margin: 0 }),
  );
}
