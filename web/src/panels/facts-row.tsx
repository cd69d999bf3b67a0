/** The tables under the charts, hanging on the same six lines as the vital row. */
import { useDisplay } from "../store/use-telemetry";
import { CustomSections } from "./custom";
import { Disks } from "./disks";
import { Filesystems } from "./filesystems";
import { Interfaces } from "./interfaces";
import { Limits } from "./limits";
import { Tcp } from "./tcp";
import { Temperatures } from "./temperatures";
import { ThisStream } from "./this-stream";

export function FactsRow() {
  const shared = useDisplay(
    ({ sample }) => sample === null || sharesColumn(sample.sections, sample.custom),
  );
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
      <ThisStream />
    </div>
  );
}

/** Heat, limits and custom sections share one column: most hosts have one of them at most. */
function sharesColumn(sections: object, custom: object): boolean {
  return "temperatures" in sections || "cgroup" in sections || Object.keys(custom).length > 0;
}
