/** The table of units that failed or are restarted: since when, and how often. */
import { count, UNKNOWN } from "../../format/numbers";
import { age, clock, date } from "../../format/time";
import { DeviceTable, type DeviceRow } from "../../parts/device-table";
import { levelAbout, type Level } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Unit } from "../../protocol/sections";
import "./units.css";

export function UnitsPanel() {
  const units = usePicture(({ sample }) => sample?.sections.units?.units);
  const now = usePicture((picture) => picture.to);
  const alerts = useShown((state) => state.alerts);
  return (
    <DeviceTable
      title="Units"
      explain="units"
      section="units"
      className="units"
      columns={[
        { name: "restarts", width: "restarts", explain: "units.units[].restarts" },
        { name: "state", width: "state", explain: "units.units[].state" },
      ]}
      rows={units?.map((unit) =>
        rowOf(unit, now, levelAbout(alerts, "units", { name: unit.name })),
      )}
      empty="no failed units"
    />
  );
}

function rowOf(unit: Unit, now: number, level: Level | undefined): DeviceRow {
  const { name, description, state, result, since_unix: since, restarts } = unit;
  return {
    name,
    level,
    faint: false,
    cells: [{ text: count(restarts) }, { text: state ?? UNKNOWN }],
    facts: [
      ["description", description ?? UNKNOWN],
      ["reason", result ?? UNKNOWN],
      [
        "since",
        since === null
          ? UNKNOWN
          : `${date(since)} ${clock(since)}, ${age(Math.max(0, now - since))} ago`,
      ],
    ],
  };
}
