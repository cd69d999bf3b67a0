/** A battery that supplies the host warns while it discharges. That of a mouse does not. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

export function readings({ power }: Sections): Reading[] {
  return (power?.supplies ?? [])
    .filter(({ scope, charge_percent }) => scope !== "device" && charge_percent !== null)
    .map(({ name, status, charge_percent }) => {
      const used = status === "discharging" ? 100 - (charge_percent ?? 0) : 0;
      return reading(`battery:${name}`, "battery low", used, { warn: 80, critical: 90, margin: 2 });
    });
}
