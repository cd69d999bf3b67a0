/** One panel for each custom section: names and values, with a sparkline of the last minute for numbers. */
import { Spark } from "../../charts/spark";
import { spacedName } from "../../format/names";
import { Panel } from "../../parts/panel";
import type { Json } from "../../protocol/frames";
import { usePicture } from "../../store/use-telemetry";
import { rowsOf } from "./rows";
import "./custom.css";

const MAX_ROWS = 12;
const SPARK_SECONDS = 60;

export function CustomSections() {
  const custom = usePicture(({ sample }) => sample?.custom);
  return Object.entries(custom ?? {}).map(([name, value]) => (
    <CustomSection key={name} name={name} value={value} />
  ));
}

function CustomSection({ name, value }: { name: string; value: Json }) {
  const window = usePicture((now) => now);
  const picture = { ...window, from: Math.max(window.from, window.to - SPARK_SECONDS) };
  const rows = rowsOf(value).slice(0, MAX_ROWS);
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
        {rows.map(({ path, name: label, text, isNumber }) => (
          <div key={path}>
            <dt>{label}</dt>
            <dd>
              {isNumber && (
                <Spark
                  picture={picture}
                  values={picture.slice.column(`${name}.${path}`)}
                  fromZero={false}
                />
              )}
              {text}
            </dd>
          </div>
        ))}
      </dl>
      {rows.length === 0 && <p className="faint">no values</p>}
    </Panel>
  );
}
