/** The section `gpus`. */
import type { Sample } from "../../protocol/frames";
import { loaded } from "../../parts/loaded";
import { hasFailed } from "../../parts/presence";
import type { Section } from "../section";

const hasGpu = (sample: Sample | null): boolean => (sample?.sections.gpus?.length ?? 0) > 0;

export const section: Section = {
  order: 66,
  panels: [
    {
      title: "GPUs",
      place: "row",
      order: 35,
      isShown: (sample) => hasGpu(sample) || hasFailed(sample, "gpus"),
      Panel: loaded(async () => (await import("./panel")).GpusPanel),
    },
  ],
};
