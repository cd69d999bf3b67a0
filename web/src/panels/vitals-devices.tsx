/** The tiles for network, disks and heat: the sum of all, and the one that stands out. */
import { Spark } from "../charts/spark";
import { BarStrip } from "../charts/strip";
import { byteRate, fixed, percentText, UNKNOWN } from "../format/numbers";
import { age } from "../format/time";
import type { Disk, Interface, Temperature } from "../protocol/sections";
import { sensorKey } from "../store/flatten";
import { faultsOf, waitOf } from "../store/thresholds";
import { usePicture, useTelemetry } from "../store/use-telemetry";
import { linkSpeed } from "./device-words";
import { Numeral, Pair, Sub, Vital } from "./vital";

export function NetworkVital() {
  const picture = usePicture((now) => now);
  const alerts = useTelemetry((state) => state.alerts);
  const { network, interfaces, tcp } = picture.sample?.sections ?? {};
  const physical = (interfaces ?? []).filter((nic) => nic.counted !== false && nic.name !== "lo");
  const up = physical.filter((nic) => nic.operstate !== "down");
  const received = picture.slice.column("network.total_rx_bytes_per_second");
  const sent = picture.slice.column("network.total_tx_bytes_per_second");
  const sendsMore =
    (network?.total_tx_bytes_per_second ?? 0) > (network?.total_rx_bytes_per_second ?? 0);
  const faults = physical.reduce((sum, nic) => sum + faultsOf(nic), 0);
  const faulty = physical
    .map((nic) => alerts.get(`errors:${nic.name}`))
    .find((alert) => alert !== undefined);
  return (
    <Vital
      focus="network"
      name="Network"
      explain="network"
      section="network"
      aside={asideOf(up)}
      numeral={
        <Pair
          marks={["↓", "↑"]}
          words={["received", "sent"]}
          one={byteRate(network?.total_rx_bytes_per_second)}
          other={byteRate(network?.total_tx_bytes_per_second)}
        />
      }
      strip={<BarStrip parts={[{ share: linkUse(up), kind: "meter" }]} />}
      spark={
        <Spark
          picture={picture}
          values={sendsMore ? sent : received}
          second={sendsMore ? received : sent}
          least={10_000}
        />
      }
      line={
        <>
          <Sub name="retransmits">
            {tcp?.retransmits_per_second == null
              ? UNKNOWN
              : `${fixed(tcp.retransmits_per_second, 1)} /s`}
          </Sub>
          <Sub name="drops" level={faulty?.level}>
            {interfaces === undefined
              ? UNKNOWN
              : fixed(faults, faults > 0 && faults < 9.95 ? 1 : 0)}
          </Sub>
        </>
      }
    />
  );
}

function asideOf(up: readonly Interface[]): string {
  const [only] = up;
  if (up.length === 1 && only !== undefined) return linkSpeed(only.speed_mbps) ?? only.name;
  return up.length === 0 ? "–" : `${up.length} interfaces`;
}

/** The busiest direction of the interface closest to its link's speed. */
function linkUse(up: readonly Interface[]): number | null {
  const shares = up
    .filter((nic) => nic.speed_mbps !== null && nic.speed_mbps > 0)
    .map(
      (nic) =>
        (Math.max(nic.rx_bytes_per_second ?? 0, nic.tx_bytes_per_second ?? 0) * 8) /
        ((nic.speed_mbps ?? 1) * 1e6),
    );
  return shares.length === 0 ? null : Math.max(...shares);
}

export function DiskVital() {
  const picture = usePicture((now) => now);
  const alerts = useTelemetry((state) => state.alerts);
  const { disk, disks } = picture.sample?.sections ?? {};
  const physical = (disks ?? []).filter(isPhysical);
  const busiest = physical.reduce<Disk | null>(
    (best, one) => ((one.util_percent ?? -1) > (best?.util_percent ?? -1) ? one : best),
    null,
  );
  const wait = busiest === null ? null : waitOf(busiest);
  const read = picture.slice.column("disk.total_read_bytes_per_second");
  const written = picture.slice.column("disk.total_write_bytes_per_second");
  const writesMore =
    (disk?.total_write_bytes_per_second ?? 0) > (disk?.total_read_bytes_per_second ?? 0);
  return (
    <Vital
      focus="disk"
      name="Disk"
      explain="disk"
      section="disk"
      aside={
        disks === undefined ? "–" : `${physical.length} ${physical.length === 1 ? "disk" : "disks"}`
      }
      numeral={
        <Pair
          marks={["R", "W"]}
          words={["read", "written"]}
          one={byteRate(disk?.total_read_bytes_per_second)}
          other={byteRate(disk?.total_write_bytes_per_second)}
        />
      }
      strip={
        <BarStrip
          parts={[
            {
              share: busiest?.util_percent == null ? null : busiest.util_percent / 100,
              kind: "meter",
            },
          ]}
        />
      }
      spark={
        <Spark
          picture={picture}
          values={writesMore ? written : read}
          second={writesMore ? read : written}
          least={100_000}
        />
      }
      line={
        <>
          <Sub name="busy">
            {busiest === null ? UNKNOWN : `${busiest.name} ${percentText(busiest.util_percent)}`}
          </Sub>
          <Sub
            name="wait"
            optional={alerts.get(`wait:${busiest?.name ?? ""}`) === undefined}
            level={alerts.get(`wait:${busiest?.name ?? ""}`)?.level}
          >
            {wait === null ? UNKNOWN : `${fixed(wait, 1)} ms`}
          </Sub>
        </>
      }
    />
  );
}

export function isPhysical(disk: Disk): boolean {
  return disk.counted ?? disk.kind === "disk";
}

const COLD = 20;
const HOT = 110;

export function HeatVital() {
  const picture = usePicture((now) => now);
  const alerts = useTelemetry((state) => state.alerts);
  const sensors = picture.sample?.sections.temperatures ?? [];
  const hottest = sensors.reduce<Temperature | null>(
    (best, one) => ((one.celsius ?? -Infinity) > (best?.celsius ?? -Infinity) ? one : best),
    null,
  );
  const name = hottest?.label ?? hottest?.sensor ?? "";
  const key = hottest === null ? "" : sensorKey(hottest);
  const level = alerts.get(`heat:${key}`)?.level;
  const share = (celsius: number): number => (celsius - COLD) / (HOT - COLD);
  const ticks = [hottest?.high_celsius, hottest?.critical_celsius].flatMap((limit, at) =>
    limit == null ? [] : [{ share: share(limit), strong: at === 1 }],
  );
  const limit = hottest?.critical_celsius ?? hottest?.high_celsius;
  return (
    <Vital
      focus="heat"
      name="Temperature"
      explain="heat"
      section="temperatures"
      aside={hottest?.age_seconds == null ? "" : `${age(hottest.age_seconds)} ago`}
      numeral={<Numeral value={fixed(hottest?.celsius, 0)} unit="°C" />}
      strip={
        <BarStrip
          parts={[
            { share: hottest?.celsius == null ? null : share(hottest.celsius), kind: "meter" },
          ]}
          ticks={ticks}
        />
      }
      spark={
        <Spark
          picture={picture}
          values={picture.slice.column(`temperatures.${key}.celsius`)}
          steps
          fromZero={false}
          least={30}
        />
      }
      line={
        <>
          <Sub name={hottest?.chip ?? ""} level={level}>
            {name}
          </Sub>
          {limit != null && <Sub name="limit">{fixed(limit, 0)} °C</Sub>}
        </>
      }
    />
  );
}
