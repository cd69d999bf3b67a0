/** A GPU warns at the temperature at which it slows itself down, and if it is lost. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";

export function readings({ gpus }: Sections): Reading[] {
  return (gpus ?? []).flatMap(({ id, state, celsius, slowdown_celsius }) => [
    reading(`gpu-heat:${id}`, "GPU hot", celsius, { warn: slowdown_celsius, margin: 3 }),
    reading(`gpu-lost:${id}`, "GPU lost", state === "lost" ? 1 : 0, { critical: 0.5, margin: 0.1 }),
  ]);
}
