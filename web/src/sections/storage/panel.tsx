/** The table of arrays, pools and btrfs devices: how many devices work, and the state. */
import { byteRateText, count, percentText, UNKNOWN } from "../../format/numbers";
import { duration } from "../../format/time";
import { DeviceTable, type DeviceRow } from "../../parts/device-table";
import { levelAbout, type Level } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { BtrfsDevice, Pool, RaidArray } from "../../protocol/sections";
import { btrfsId, errorsOf } from "./btrfs";
import "./storage.css";

export function StoragePanel() {
  const storage = usePicture(({ sample }) => sample?.sections.storage);
  const alerts = useShown((state) => state.alerts);
  return (
    <DeviceTable
      title="Storage health"
      explain="storage"
      section="storage"
      className="storage"
      columns={[
        { name: "devices", width: "devices" },
        { name: "state", width: "state" },
      ]}
      rows={
        storage && [
          ...(storage.arrays ?? []).map((one) =>
            arrayRow(one, levelAbout(alerts, "storage.arrays", { device: one.name })),
          ),
          ...(storage.pools ?? []).map((one) =>
            poolRow(one, levelAbout(alerts, "storage.pools", { zpool: one.name })),
          ),
          ...(storage.btrfs ?? []).map((one) =>
            btrfsRow(one, levelAbout(alerts, "storage.btrfs", labelsOf(one))),
          ),
        ]
      }
      empty="no arrays"
    />
  );
}

function labelsOf({ uuid, device_id }: BtrfsDevice) {
  return { uuid, device_id };
}

function arrayRow(array: RaidArray, alerted: Level | undefined): DeviceRow {
  const { name, level, state, required, active, sync_action, sync_percent } = array;
  const works = sync_action !== null && sync_action !== "idle";
  return {
    id: `array ${name}`,
    name,
    level: alerted,
    faint: false,
    cells: [
      { text: `${count(active)}/${count(required)}` },
      { text: works ? `${sync_action} ${percentText(sync_percent)}` : (state ?? UNKNOWN) },
    ],
    facts: [
      ["level", level ?? UNKNOWN],
      ["state", state ?? UNKNOWN],
      ["missing", count(array.degraded)],
      ...(works
        ? ([
            [sync_action, byteRateText(array.sync_bytes_per_second)],
            ["time left", duration(array.sync_left_seconds)],
          ] as const)
        : []),
      ...(array.members ?? []).map((one) => [one.name, one.state ?? UNKNOWN] as const),
    ],
  };
}

function poolRow({ name, state }: Pool, level: Level | undefined): DeviceRow {
  return {
    id: `pool ${name}`,
    name,
    level,
    faint: false,
    cells: [{ text: "" }, { text: state?.toLowerCase() ?? UNKNOWN }],
    facts: [["kind", "zfs"]],
  };
}

function btrfsRow(device: BtrfsDevice, level: Level | undefined): DeviceRow {
  const errors = errorsOf(device);
  const state = errors === null ? UNKNOWN : errors === 0 ? "no errors" : `${count(errors)} errors`;
  return {
    id: btrfsId(device),
    name: `${device.filesystem_label ?? device.uuid.slice(0, 8)} ${device.device_id}`,
    level,
    faint: false,
    cells: [{ text: "" }, { text: device.missing === true ? "missing" : state }],
    facts: [
      ["kind", "btrfs"],
      ["filesystem", device.uuid],
      ["write errors", count(device.write_errors)],
      ["read errors", count(device.read_errors)],
      ["flush errors", count(device.flush_errors)],
      ["wrong checksums", count(device.corruption_errors)],
      ["old blocks", count(device.generation_errors)],
    ],
  };
}
