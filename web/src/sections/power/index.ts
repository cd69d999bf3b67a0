/** The section `power`: batteries, UPS, the power of the processor and of the host, and fans. */
import type { Sample } from "../../protocol/frames";
import { loaded } from "../../parts/loaded";
import { hasFailed } from "../../parts/presence";
import type { Section } from "../section";

/** Return whether there is a value to show. The counters of the processor are there, but often unreadable. */
function hasPower(sample: Sample | null): boolean {
  const power = sample?.sections.power;
  return [power?.supplies, power?.fans, power?.meters].some((rows) => (rows?.length ?? 0) > 0)
    ? true
    : power?.rapl?.some(({ watts }) => watts !== null) === true;
}

export const section: Section = {
  order: 65,
  panels: [
    {
      title: "Power",
      place: "column",
      order: 12,
      isShown: (sample) => hasPower(sample) || hasFailed(sample, "power"),
      Panel: loaded(async () => (await import("./panel")).PowerPanel),
    },
  ],
};
