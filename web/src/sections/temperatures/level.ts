/** The alerts of a sensor: those with its labels. */
import { levelAbout, type Alerts, type Level } from "../../store/alerts";
import type { Temperature } from "../../protocol/sections";

export function sensorLevel(
  alerts: Alerts,
  { chip, device, sensor }: Temperature,
): Level | undefined {
  return levelAbout(alerts, "temperatures", { chip, device, sensor });
}
