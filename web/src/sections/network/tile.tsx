/** The tile of the network: bytes of all physical interfaces, against the speed of the busiest link. */
import { BarStrip } from "../../charts/strip";
import { fixed, UNKNOWN } from "../../format/numbers";
import { PairTile } from "../../parts/pair-tile";
import { Detail } from "../../parts/tile";
import { levelAbout } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Interface } from "../../protocol/sections";
import { ABOUT, FACETS } from "./chart";
import { faultsOf, linkSpeed, linkUse } from "./link";

export function NetworkTile() {
  const { network, interfaces } = usePicture(({ sample }) => sample?.sections) ?? {};
  const physical = (interfaces ?? []).filter((one) => one.counted !== false && one.name !== "lo");
  const up = physical.filter((one) => one.operstate !== "down");
  return (
    <PairTile
      focus="network"
      facets={FACETS}
      about={ABOUT}
      name="Network"
      explain="network"
      section="network"
      aside={asideOf(up)}
      marks={["↓", "↑"]}
      words={["received", "sent"]}
      rates={[network?.total_rx_bytes_per_second, network?.total_tx_bytes_per_second]}
      columns={["network.total_rx_bytes_per_second", "network.total_tx_bytes_per_second"]}
      minSpan={10_000}
      strip={<BarStrip parts={[{ share: highestUse(up), kind: "meter" }]} />}
      details={<Details physical={physical} />}
    />
  );
}

function asideOf(up: readonly Interface[]): string {
  const [only] = up;
  if (up.length === 1 && only !== undefined) return linkSpeed(only.speed_mbps) ?? only.name;
  return up.length === 0 ? "–" : `${up.length} interfaces`;
}

function highestUse(up: readonly Interface[]): number | null {
  const shares = up.map(linkUse).filter((share) => share !== null);
  return shares.length === 0 ? null : Math.max(...shares);
}

function Details({ physical }: { physical: readonly Interface[] }) {
  const level = useShown(({ alerts }) => levelAbout(alerts, "interfaces"));
  const retransmits = usePicture(({ sample }) => sample?.sections.tcp?.retransmits_per_second);
  const faults = faultsOf(physical);
  return (
    <>
      <Detail name="retransmits">
        {retransmits == null ? UNKNOWN : `${fixed(retransmits, 1)} /s`}
      </Detail>
      <Detail name="drops" level={level}>
        {fixed(faults, faults && faults < 9.95 ? 1 : 0)}
      </Detail>
    </>
  );
}
