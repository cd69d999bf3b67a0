/** Every sensor with its own limits; without limits no colour, since only the chip knows. */
import { fixed, UNKNOWN } from "../format/numbers";
import { age } from "../format/time";
import { sensorKey } from "../store/flatten";
import { usePicture, useTelemetry } from "../store/use-telemetry";
import { Panel, StaleTag, useHas } from "./panel";

const STALE_AFTER_SECONDS = 180; // three times the slowest sensor's cadence

export function Temperatures() {
  const has = useHas("temperatures");
  const sensors = usePicture((picture) => picture.sample?.sections.temperatures);
  const alerts = useTelemetry((state) => state.alerts);
  if (!has || sensors?.length === 0) return null;
  const youngest = Math.min(...(sensors ?? []).map((sensor) => sensor.age_seconds ?? Infinity));
  return (
    <Panel
      title="Temperatures"
      explain="temperatures"
      section="temperatures"
      aside={Number.isFinite(youngest) ? `${age(youngest)} ago` : null}
    >
      <dl>
        {sensors?.map((sensor) => {
          const name = `${sensor.chip} ${sensor.label ?? sensor.sensor ?? ""}`.trim();
          const key = sensorKey(sensor);
          const level = alerts.get(`heat:${key}`)?.level;
          const stale = (sensor.age_seconds ?? 0) > STALE_AFTER_SECONDS;
          return (
            <div key={key} title={sensor.device ?? undefined}>
              <dt>{name}</dt>
              <dd className={level === undefined ? "" : level === "critical" ? "c" : "w"}>
                {stale ? (
                  <StaleTag seconds={sensor.age_seconds} />
                ) : (
                  <Celsius value={sensor.celsius} level={level} />
                )}
              </dd>
            </div>
          );
        })}
      </dl>
    </Panel>
  );
}

function Celsius({ value, level }: { value: number | null; level: string | undefined }) {
  return (
    <>
      {level !== undefined && <span className="mark">{level === "critical" ? "■" : "▲"}</span>}
      {value === null ? UNKNOWN : `${fixed(value, 0)} °C`}
    </>
  );
}
