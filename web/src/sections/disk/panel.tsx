/** The table of disks: busy time, read and written bytes. Devices made of other disks (md, dm) come last. */
import { bytesShort, fixed, percentText, UNKNOWN } from "../../format/numbers";
import { DeviceTable, type DeviceRow } from "../../parts/device-table";
import { levelAbout } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Disk } from "../../protocol/sections";
import { isPhysical, waitOf } from "./requests";
import "./disk.css";

export function Disks() {
  const disks = usePicture(({ sample }) => sample?.sections.disks);
  const alerts = useShown((state) => state.alerts);
  const sorted = [...(disks ?? [])].sort(
    (one, other) => Number(isPhysical(other)) - Number(isPhysical(one)),
  );
  return (
    <DeviceTable
      title="Disks"
      explain="disks"
      section="disks"
      className="disks"
      columns={[
        { name: "busy", width: "busy", explain: "disks[].util_percent" },
        { name: "read", width: "rate" },
        { name: "written", width: "rate" },
      ]}
      rows={
        disks &&
        sorted.map((disk): DeviceRow => ({
          name: disk.name,
          level: levelAbout(alerts, "disks", { device: disk.name }),
          faint: !isPhysical(disk),
          cells: [
            { text: percentText(disk.util_percent) },
            { text: bytesShort(disk.read_bytes_per_second) },
            { text: bytesShort(disk.write_bytes_per_second) },
          ],
          facts: factsOf(disk),
        }))
      }
      empty="no disks"
    />
  );
}

function factsOf(disk: Disk): DeviceRow["facts"] {
  const wait = waitOf(disk);
  return [
    ["wait", wait === null ? UNKNOWN : `${fixed(wait, 1)} ms`],
    ["queue", fixed(disk.queue_depth, 2)],
    ["reads", `${fixed(disk.reads_per_second, 0)} /s`],
    ["writes", `${fixed(disk.writes_per_second, 0)} /s`],
  ];
}
