/** The sections `containers`, which the server collects only while a viewer asks for it, and `container_counts`. */
import { loaded } from "../../parts/loaded";
import { has } from "../../parts/presence";
import type { Section } from "../section";

const hasContainers = has("container_counts");

export const section: Section = {
  order: 87,
  panels: [
    {
      title: "Containers",
      place: "row",
      order: 60,
      isShown: (sample) => sample !== null && hasContainers(sample),
      Panel: loaded(async () => (await import("./panel")).ContainersPanel),
    },
  ],
};
