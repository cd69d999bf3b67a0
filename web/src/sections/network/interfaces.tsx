/** The table of interfaces: received and sent bytes. An alert marks the name. */
import { bytesShort, count, fixed, UNKNOWN } from "../../format/numbers";
import { DeviceTable, type DeviceRow } from "../../parts/device-table";
import { levelAbout } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Interface } from "../../protocol/sections";
import { linkSpeed } from "./link";
import "./network.css";

export function Interfaces() {
  const interfaces = usePicture(({ sample }) => sample?.sections.interfaces);
  const alerts = useShown((state) => state.alerts);
  const sorted = [...(interfaces ?? [])].sort((one, other) => rank(one) - rank(other));
  return (
    <DeviceTable
      title="Interfaces"
      explain="interfaces"
      section="interfaces"
      className="interfaces"
      columns={[
        { name: "in", width: "rate" },
        { name: "out", width: "rate" },
      ]}
      rows={
        interfaces &&
        sorted.map((one): DeviceRow => {
          const down = one.operstate === "down";
          return {
            name: one.name,
            level: levelAbout(alerts, "interfaces", { device: one.name }),
            faint: rank(one) !== 0,
            cells: down
              ? [{ text: "down", faint: true }, { text: "" }]
              : [
                  { text: bytesShort(one.rx_bytes_per_second) },
                  { text: bytesShort(one.tx_bytes_per_second) },
                ],
            facts: factsOf(one),
          };
        })
      }
      empty="no interfaces"
    />
  );
}

/** Physical interfaces first, then virtual ones, then the loopback. */
function rank(one: Interface): number {
  if (one.name === "lo") return 2;
  return one.counted === false ? 1 : 0;
}

function factsOf(one: Interface): DeviceRow["facts"] {
  return [
    ["link", linkSpeed(one.speed_mbps) ?? one.operstate ?? UNKNOWN],
    ["packets", bothWays(one.rx_packets_per_second, one.tx_packets_per_second)],
    ["errors", bothWays(one.rx_errors_per_second, one.tx_errors_per_second)],
    ["drops", bothWays(one.rx_drops_per_second, one.tx_drops_per_second)],
    ...(one.addresses === null ? [] : [["addresses", one.addresses] as const]),
    ...(one.signal_dbm === null ? [] : [["signal", `${one.signal_dbm} dBm`] as const]),
  ];
}

function bothWays(received: number | null, sent: number | null): string {
  if (received === null && sent === null) return UNKNOWN;
  return `${rateText(received)} in, ${rateText(sent)} out`;
}

function rateText(value: number | null): string {
  return value === null || value >= 9.95 || value === 0 ? count(value) : fixed(value, 1);
}
