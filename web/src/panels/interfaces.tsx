/** Interfaces: in and out; virtual ones quieter; errors and drops mark the name. */
import { bytesShort, count, fixed, UNKNOWN } from "../format/numbers";
import type { Interface } from "../protocol/sections";
import { usePicture, useTelemetry } from "../store/use-telemetry";
import { linkSpeed } from "./device-words";
import { Drawer, useDrawer } from "./drawer";
import { SourceWord, useHas } from "./panel";
import { Columns, TableHead } from "./table-head";

export function Interfaces() {
  const has = useHas("interfaces");
  const rows = usePicture((picture) => picture.sample?.sections.interfaces);
  const source = usePicture((picture) => picture.sample?.sources["interfaces"] ?? null);
  const alerts = useTelemetry((state) => state.alerts);
  const drawer = useDrawer();
  if (!has) return null;
  const sorted = [...(rows ?? [])].sort((one, other) => rank(one) - rank(other));
  return (
    <section className="panel interfaces" aria-label="Interfaces">
      <table>
        <Columns of={["name", "rate", "rate2"]} />
        <TableHead
          title="Interfaces"
          explain="interfaces"
          columns={["in", "out"]}
          word={<SourceWord source={source} />}
        />
        <tbody>
          {sorted.map((nic) => {
            const faulty = alerts.has(`errors:${nic.name}`) || alerts.has(`link:${nic.name}`);
            const down = nic.operstate === "down";
            return [
              <tr key={nic.name} className={rank(nic) === 0 ? "" : "f"} data-row={nic.name}>
                <th scope="row" className={rank(nic) === 0 ? "k" : "f"}>
                  <button
                    type="button"
                    aria-expanded={drawer.isOpen(nic.name)}
                    onClick={drawer.toggle(nic.name)}
                  >
                    {faulty && <span className="mark w">▲</span>}
                    {nic.name}
                  </button>
                </th>
                <td className={down ? "r f" : "r"}>
                  {down ? "down" : bytesShort(nic.rx_bytes_per_second)}
                </td>
                <td className="r">{down ? "" : bytesShort(nic.tx_bytes_per_second)}</td>
              </tr>,
              drawer.isOpen(nic.name) && (
                <Drawer key={`${nic.name}-drawer`} span={3} facts={factsOf(nic)} />
              ),
            ];
          })}
        </tbody>
      </table>
      {rows?.length === 0 && <p className="f">no interface</p>}
      {source?.state === "failed" && <p className="why">{source.reason}</p>}
    </section>
  );
}

/** Counted ones first, the loopback last. */
function rank(nic: Interface): number {
  if (nic.name === "lo") return 2;
  return nic.counted === false ? 1 : 0;
}

function factsOf(nic: Interface): [string, string][] {
  const pair = (one: number | null, other: number | null): string =>
    one === null && other === null ? UNKNOWN : `${perSecond(one)} in, ${perSecond(other)} out`;
  return [
    ["link", linkSpeed(nic.speed_mbps) ?? nic.operstate ?? UNKNOWN],
    ["packets", pair(nic.rx_packets_per_second, nic.tx_packets_per_second)],
    ["errors", pair(nic.rx_errors_per_second, nic.tx_errors_per_second)],
    ["drops", pair(nic.rx_drops_per_second, nic.tx_drops_per_second)],
  ];
}

function perSecond(value: number | null): string {
  return value === null || value >= 9.95 || value === 0 ? count(value) : fixed(value, 1);
}
