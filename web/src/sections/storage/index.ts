/** The section `storage`: the health of software RAID, ZFS pools and btrfs devices. Most hosts have none of them. */
import { loaded } from "../../parts/loaded";
import { has } from "../../parts/presence";
import type { Section } from "../section";

const hasStorage = has("storage");

export const section: Section = {
  order: 85,
  panels: [
    {
      title: "Storage health",
      place: "column",
      order: 15,
      isShown: (sample) => sample !== null && hasStorage(sample),
      Panel: loaded(async () => (await import("./panel")).StoragePanel),
    },
  ],
};
