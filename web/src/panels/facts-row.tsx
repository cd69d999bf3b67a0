/** The tables under the charts, hanging on the same six lines as the vital row. */
import type { Sample } from "../protocol/frames";
import { usePicture } from "../store/use-telemetry";
import { CustomSections } from "./custom";
import { Disks } from "./disks";
import { Filesystems } from "./filesystems";
import { Interfaces } from "./interfaces";
import { isLimited } from "./limited";
import { Limits } from "./limits";
import { Tcp } from "./tcp";
import { Temperatures } from "./temperatures";
import { ThisStream } from "./this-stream";

export function FactsRow({ wide }: { wide: boolean }) {
  const shared = usePicture(({ sample }) => sample === null || sharesColumn(sample));
  return (
    <div className="six facts6">
      <Filesystems />
      <Disks />
      <Interfaces />
      <Tcp />
      {shared && (
        <div className="column">
          <Temperatures />
          <Limits />
          <CustomSections />
        </div>
      )}
      <ThisStream wide={wide} />
    </div>
  );
}

/** Heat, limits and custom sections share one column: most hosts have one of them at most. */
function sharesColumn({ sections, sources, custom }: Sample): boolean {
  const { temperatures, cgroup } = sections;
  const failed = ["temperatures", "cgroup"].some((name) => sources[name]?.state === "failed");
  const limited = cgroup !== undefined && isLimited(cgroup);
  return failed || limited || (temperatures?.length ?? 0) > 0 || Object.keys(custom).length > 0;
}
