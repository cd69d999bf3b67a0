/** One panel for each custom section: names and values, with a sparkline of the last minute for numbers. */
import { Spark } from "../../charts/spark";
import { spacedName } from "../../format/names";
import { count } from "../../format/numbers";
import { Panel } from "../../parts/panel";
import type { Json } from "../../protocol/frames";
import { usePicture } from "../../store/use-telemetry";
import { namesOf } from "./names";
import { rowsOf } from "./rows";
import "./custom.css";

const MAX_ROWS = 12;
const SPARK_SECONDS = 60;

export function CustomSections() {
  const sample = usePicture((picture) => picture.sample);
  if (sample === null) return null;
  return namesOf(sample).map((name) => (
    <CustomSection key={name} name={name} value={sample.custom[name] ?? null} />
  ));
}

function CustomSection({ name, value }: { name: string; value: Json }) {
  const window = usePicture((now) => now);
  const picture = { ...window, from: Math.max(window.from, window.to - SPARK_SECONDS) };
  const rows = rowsOf(value);
  const title = spacedName(name);
  return (
    <Panel
      title={title.charAt(0).toUpperCase() + title.slice(1)}
      explain="page.custom"
      section={name}
      aside="custom"
      className="custom"
    >
      <dl>
        {rows.slice(0, MAX_ROWS).map(({ path, name: label, text, isNumber }, index) => (
          <div key={index}>
            <dt title={label}>{label}</dt>
            <dd>
              {isNumber && (
                <Spark
                  picture={picture}
                  values={picture.slice.column(path === "" ? name : `${name}.${path}`)}
                  fromZero={false}
                />
              )}
              <span className="text" title={isNumber ? undefined : text}>
                {text}
              </span>
            </dd>
          </div>
        ))}
      </dl>
      {rows.length === 0 && <p className="faint">no values</p>}
      {rows.length > MAX_ROWS && (
        <p className="faint">and {count(rows.length - MAX_ROWS)} more values</p>
      )}
    </Panel>
  );
}
