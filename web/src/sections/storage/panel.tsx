/** The table of arrays, pools and btrfs devices: how many devices work, and the state. */
import { byteRateText, count, percentText, UNKNOWN } from "../../format/numbers";
import { duration } from "../../format/time";
import { DeviceTable, type DeviceRow } from "../../parts/device-table";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { BtrfsDevice, Pool, RaidArray } from "../../protocol/sections";
import { btrfsId, errorsOf } from "./thresholds";
import "./storage.css";

export function StoragePanel() {
  const storage = usePicture(({ sample }) => sample?.sections.storage);
  const alerts = useShown((state) => state.alerts);
  const has = (id: string): boolean => alerts.has(id);
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
          ...(storage.arrays ?? []).map((one) => arrayRow(one, has(`array:${one.name}`))),
          ...(storage.pools ?? []).map((one) => poolRow(one, has(`pool:${one.name}`))),
          ...(storage.btrfs ?? []).map((one) => btrfsRow(one, has(btrfsId(one)))),
        ]
      }
      empty="no arrays"
    />
  );
}

function arrayRow(array: RaidArray, marked: boolean): DeviceRow {
  const { name, level, state, required, active, sync_action, sync_percent } = array;
  const works = sync_action !== null && sync_action !== "idle";
  return {
    id: `array ${name}`,
    name,
    marked,
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

function poolRow({ name, state }: Pool, marked: boolean): DeviceRow {
  return {
    id: `pool ${name}`,
    name,
    marked,
    faint: false,
    cells: [{ text: "" }, { text: state?.toLowerCase() ?? UNKNOWN }],
    facts: [["kind", "zfs"]],
  };
}

function btrfsRow(device: BtrfsDevice, marked: boolean): DeviceRow {
  const errors = errorsOf(device);
  const state = errors === null ? UNKNOWN : errors === 0 ? "no errors" : `${count(errors)} errors`;
  return {
    id: btrfsId(device),
    name: `${device.filesystem_label ?? device.uuid.slice(0, 8)} ${device.device_id}`,
    marked,
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
