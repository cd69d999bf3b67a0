/** The tile of disks: bytes of all physical disks, and how busy the busiest one is. */
import { BarStrip } from "../../charts/strip";
import { fixed, percentText, UNKNOWN } from "../../format/numbers";
import { PairTile } from "../../parts/pair-tile";
import { Detail } from "../../parts/tile";
import { levelAbout } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Disk } from "../../protocol/sections";
import { ABOUT, FACETS } from "./chart";
import { isPhysical, waitOf } from "./requests";

export function DiskTile() {
  const { disk, disks } = usePicture(({ sample }) => sample?.sections) ?? {};
  const physical = (disks ?? []).filter(isPhysical);
  const busiest = busiestOf(physical);
  const share = busiest?.util_percent == null ? null : busiest.util_percent / 100;
  return (
    <PairTile
      focus="disk"
      facets={FACETS}
      about={ABOUT}
      name="Disk"
      explain="disk"
      section="disk"
      aside={
        disks === undefined ? "–" : `${physical.length} ${physical.length === 1 ? "disk" : "disks"}`
      }
      marks={["R", "W"]}
      words={["read", "written"]}
      rates={[disk?.total_read_bytes_per_second, disk?.total_write_bytes_per_second]}
      columns={["disk.total_read_bytes_per_second", "disk.total_write_bytes_per_second"]}
      minSpan={100_000}
      strip={<BarStrip parts={[{ share, kind: "meter" }]} />}
      details={<Details busiest={busiest} />}
    />
  );
}

function busiestOf(disks: readonly Disk[]): Disk | null {
  return disks.reduce<Disk | null>(
    (best, one) => ((one.util_percent ?? -1) > (best?.util_percent ?? -1) ? one : best),
    null,
  );
}

const WAITS = ["disks.read_await_ms", "disks.write_await_ms"];

function Details({ busiest }: { busiest: Disk | null }) {
  const level = useShown(({ alerts }) =>
    levelAbout(alerts, WAITS, { device: busiest?.name ?? "" }),
  );
  const wait = busiest === null ? null : waitOf(busiest);
  return (
    <>
      <Detail name="busy">
        {busiest === null ? UNKNOWN : `${busiest.name} ${percentText(busiest.util_percent)}`}
      </Detail>
      <Detail name="wait" optional={level === undefined} level={level}>
        {wait === null ? UNKNOWN : `${fixed(wait, 1)} ms`}
      </Detail>
    </>
  );
}
