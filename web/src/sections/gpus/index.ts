/** The section `gpus`. */
import { lazy } from "react";

import type { Sample } from "../../protocol/frames";
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
      Panel: lazy(async () => ({ default: (await import("./panel")).GpusPanel })),
    },
  ],
  help: ["gpus"],
};
