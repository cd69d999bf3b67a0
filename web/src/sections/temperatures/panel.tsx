/** Every sensor. */
import { fixed, UNKNOWN } from "../../format/numbers";
import { age } from "../../format/time";
import { Panel } from "../../parts/panel";
import { StaleTag } from "../../parts/source-state";
import { Mark, toneOf } from "../../charts/tone";
import { sensorKey } from "../../store/flatten";
import type { Level } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Temperature } from "../../protocol/sections";
import { sensorLevel } from "./level";

/** Three times the cadence of the slowest sensors, which are those of disks. */
const STALE_AFTER_SECONDS = 180;

export function Temperatures() {
  const sensors = usePicture(({ sample }) => sample?.sections.temperatures);
  const alerts = useShown((state) => state.alerts);
  const newest = Math.min(...(sensors ?? []).map((one) => one.age_seconds ?? Infinity));
  return (
    <Panel
      title="Temperatures"
      explain="temperatures"
      section="temperatures"
      aside={Number.isFinite(newest) ? `${age(newest)} ago` : null}
    >
      <dl>
        {sensors?.map((sensor) => {
          const key = sensorKey(sensor);
          return <Sensor key={key} sensor={sensor} level={sensorLevel(alerts, sensor)} />;
        })}
      </dl>
    </Panel>
  );
}

function Sensor({ sensor, level }: { sensor: Temperature; level: Level | undefined }) {
  const { chip, label, celsius, age_seconds } = sensor;
  return (
    <div title={sensorKey(sensor)}>
      <dt>{`${chip} ${label ?? sensor.sensor}`.trim()}</dt>
      <dd className={toneOf(level)}>
        {(age_seconds ?? 0) > STALE_AFTER_SECONDS ? (
          <StaleTag seconds={age_seconds} />
        ) : (
          <>
            <Mark level={level} />
            {celsius === null ? UNKNOWN : `${fixed(celsius, 0)} °C`}
          </>
        )}
      </dd>
    </div>
  );
}
