/** What an embedding program's own sources publish: a panel each, without a line of code here. */
import { Spark } from "../charts/spark";
import { byteRateText, bytesText, count, fixed, percentText } from "../format/numbers";
import { spoken, splitUnit, type Kind } from "../format/names";
import { duration } from "../format/time";
import type { Json } from "../protocol/frames";
import { usePicture } from "../store/use-telemetry";
import { Panel } from "./panel";

const MOST_ROWS = 12;
const SPARK_SECONDS = 60;

export function CustomSections() {
  const custom = usePicture((picture) => picture.sample?.custom);
  return Object.entries(custom ?? {}).map(([name, section]) => (
    <Custom key={name} name={name} section={section} />
  ));
}

function Custom({ name, section }: { name: string; section: Json }) {
  const whole = usePicture((now) => now);
  const picture = { ...whole, from: Math.max(whole.from, whole.to - SPARK_SECONDS) };
  const rows = rowsOf(section).slice(0, MOST_ROWS);
  const title = spoken(name);
  return (
    <Panel
      title={title.charAt(0).toUpperCase() + title.slice(1)}
      explain="custom"
      section={name}
      aside="custom"
      className="custom"
    >
      <dl>
        {rows.map(({ path, name: label, text, numeric }) => (
          <div key={path}>
            <dt>{label}</dt>
            <dd>
              {numeric && (
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
      {rows.length === 0 && <p className="f">nothing in it</p>}
    </Panel>
  );
}

interface Row {
  readonly path: string;
  readonly name: string;
  readonly text: string;
  readonly numeric: boolean;
}

/** Numbers and words of the section, one level of objects deep; the unit in a name is written as one. */
export function rowsOf(section: Json, prefix = ""): Row[] {
  if (typeof section !== "object" || section === null || Array.isArray(section)) return [];
  return Object.entries(section).flatMap(([key, value]) => {
    const { name, kind } = splitUnit(key);
    const row = {
      path: `${prefix}${key}`,
      name: prefix === "" ? name : `${spoken(prefix.slice(0, -1))} ${name}`,
    };
    if (typeof value === "number") return [{ ...row, text: write(value, kind), numeric: true }];
    if (typeof value === "string" || typeof value === "boolean")
      return [{ ...row, text: String(value), numeric: false }];
    if (value === null) return [{ ...row, text: "–", numeric: false }];
    return prefix === "" ? rowsOf(value, `${key}.`) : [];
  });
}

function write(value: number, kind: Kind): string {
  switch (kind) {
    case "bytes":
      return bytesText(value);
    case "byteRate":
      return byteRateText(value);
    case "percent":
      return percentText(value);
    case "duration":
      return duration(value);
    case "celsius":
      return `${fixed(value, 0)} °C`;
    case "ms":
      return `${fixed(value, 1)} ms`;
    case "perSecond":
      return `${fixed(value, 1)} /s`;
    case "count":
      return Number.isInteger(value) ? count(value) : fixed(value, 2);
  }
}
