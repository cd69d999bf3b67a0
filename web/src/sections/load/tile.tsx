/** The tile of load: three averages against the number of cores, and the two highest pressures. */
import { Spark } from "../../charts/spark";
import { BarStrip } from "../../charts/strip";
import { fixed, percentText } from "../../format/numbers";
import { Detail, Tile } from "../../parts/tile";
import { levelAbout } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Sections } from "../../protocol/sections";
import { ABOUT, FACETS } from "./chart";

const RESOURCES = ["io", "cpu", "memory"] as const;
/** A full strip is this many times the number of cores. */
const FULL_PER_CORE = 1.5;

export function LoadTile() {
  const picture = usePicture((now) => now);
  const { load, cpu } = picture.sample?.sections ?? {};
  const cores = cpu?.online_count;
  return (
    <Tile
      focus="load"
      facets={FACETS}
      about={ABOUT}
      name="Load"
      explain="load"
      section="load"
      aside="1, 5, 15 min"
      numeral={
        <span className="numeral">
          <span className="value">{fixed(load?.avg1, 2)}</span>
          <span className="minor">{fixed(load?.avg5, 2)}</span>
          <span className="minor">{fixed(load?.avg15, 2)}</span>
        </span>
      }
      strip={
        <BarStrip
          parts={[
            {
              share:
                cores == null || load?.avg1 == null ? null : load.avg1 / (FULL_PER_CORE * cores),
              kind: "meter",
            },
          ]}
          ticks={[{ share: 1 / FULL_PER_CORE, strong: true }]}
        />
      }
      spark={
        <Spark picture={picture} values={picture.slice.column("load.avg1")} steps minSpan={1} />
      }
      details={
        picture.sample !== null && picture.sample.sections.pressure === undefined ? (
          <>
            <Detail name="running">{fixed(load?.procs_running, 0)}</Detail>
            <Detail name="blocked">{fixed(load?.procs_blocked, 0)}</Detail>
          </>
        ) : (
          <Stalls pressure={picture.sample?.sections.pressure} />
        )
      }
    />
  );
}

function Stalls({ pressure }: { pressure: Sections["pressure"] }) {
  const alerts = useShown((state) => state.alerts);
  const highest = RESOURCES.map((resource) => ({
    resource,
    percent: pressure?.[resource]?.some_percent ?? null,
  }))
    .sort((one, other) => (other.percent ?? -1) - (one.percent ?? -1))
    .slice(0, 2);
  return highest.map(({ resource, percent }) => (
    <Detail
      key={resource}
      name={`${resource} stall`}
      level={levelAbout(alerts, `pressure.${resource}`)}
    >
      {percentText(percent)}
    </Detail>
  ));
}
