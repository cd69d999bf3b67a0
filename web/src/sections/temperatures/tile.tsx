/** The tile of temperatures: the hottest sensor and its limits. */
import { Spark } from "../../charts/spark";
import { BarStrip } from "../../charts/strip";
import { fixed } from "../../format/numbers";
import { age } from "../../format/time";
import { Detail, Numeral, Tile } from "../../parts/tile";
import { sensorKey } from "../../store/flatten";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Temperature } from "../../protocol/sections";
import { ABOUT, FACETS } from "./chart";
import { sensorLevel } from "./level";

/** The ends of the strip, in °C. */
const LOW = 20;
const HIGH = 110;

export function HeatTile() {
  const picture = usePicture((now) => now);
  const hottest = hottestOf(picture.sample?.sections.temperatures ?? []);
  const key = hottest === null ? "" : sensorKey(hottest);
  const level = useShown(({ alerts }) => hottest && sensorLevel(alerts, hottest)) ?? undefined;
  const limit = hottest?.critical_celsius ?? hottest?.high_celsius;
  return (
    <Tile
      focus="heat"
      facets={FACETS}
      about={ABOUT}
      name="Temperature"
      explain="page.hottest"
      section="temperatures"
      aside={hottest?.age_seconds == null ? "" : `${age(hottest.age_seconds)} ago`}
      numeral={<Numeral value={fixed(hottest?.celsius, 0)} unit="°C" />}
      strip={
        <BarStrip
          parts={[{ share: shareOf(hottest?.celsius), kind: "meter" }]}
          ticks={ticksOf(hottest)}
        />
      }
      spark={
        <Spark
          picture={picture}
          values={picture.slice.column(`temperatures.${key}.celsius`)}
          steps
          fromZero={false}
          minSpan={30}
        />
      }
      details={
        <>
          <Detail name={hottest?.chip ?? ""} level={level}>
            {hottest?.label ?? hottest?.sensor ?? ""}
          </Detail>
          {limit != null && <Detail name="limit">{fixed(limit, 0)} °C</Detail>}
        </>
      }
    />
  );
}

function hottestOf(sensors: readonly Temperature[]): Temperature | null {
  return sensors.reduce<Temperature | null>(
    (best, one) => ((one.celsius ?? -Infinity) > (best?.celsius ?? -Infinity) ? one : best),
    null,
  );
}

function shareOf(celsius: number | null | undefined): number | null {
  return celsius == null ? null : (celsius - LOW) / (HIGH - LOW);
}

function ticksOf(sensor: Temperature | null) {
  const ticks = [
    { share: shareOf(sensor?.high_celsius), strong: false },
    { share: shareOf(sensor?.critical_celsius), strong: true },
  ];
  return ticks.flatMap(({ share, strong }) => (share === null ? [] : [{ share, strong }]));
}
