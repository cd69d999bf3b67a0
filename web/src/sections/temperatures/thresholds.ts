/** The limits are the sensor's own: only the chip defines what is too hot. */
import { sensorKey } from "../../store/flatten";
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

export function readings({ temperatures }: Sections): Reading[] {
  return (temperatures ?? []).map((sensor) =>
    reading(`heat:${sensorKey(sensor)}`, `${sensor.chip} hot`, sensor.celsius, {
      warn: sensor.high_celsius,
      critical: sensor.critical_celsius,
      margin: 3,
    }),
  );
}
