/** Filesystems: how full, how much is left; a dead one is hatched and keeps only its name. */
import { bytesShort, percentText } from "../format/numbers";
import type { Filesystem } from "../protocol/sections";
import type { Alert } from "../store/thresholds";
import { usePicture, useTelemetry } from "../store/use-telemetry";
import { SourceWord, StaleTag, useHas } from "./panel";
import { Columns, TableHead } from "./table-head";

export function Filesystems() {
  const has = useHas("filesystems");
  const rows = usePicture((picture) => picture.sample?.sections.filesystems);
  const source = usePicture((picture) => picture.sample?.sources["filesystems"] ?? null);
  const alerts = useTelemetry((state) => state.alerts);
  if (!has) return null;
  return (
    <section className="panel filesystems" aria-label="Filesystems">
      <table>
        <Columns of={["mount", "bar", "used", "left"]} />
        <TableHead
          title="Filesystems"
          explain="filesystems"
          span={2}
          columns={["used", "free"]}
          word={<SourceWord source={source} />}
        />
        <tbody>
          {rows?.map((row) => (
            <Row
              key={row.mountpoint}
              row={row}
              full={alerts.get(`filesystem:${row.mountpoint}`)}
              crowded={alerts.get(`inodes:${row.mountpoint}`)}
            />
          ))}
        </tbody>
      </table>
      {rows?.length === 0 && <p className="f">no filesystem to show</p>}
      {source?.state === "failed" && <p className="why">{source.reason}</p>}
    </section>
  );
}

interface RowProps {
  readonly row: Filesystem;
  readonly full: Alert | undefined;
  readonly crowded: Alert | undefined;
}

function Row({ row, full, crowded }: RowProps) {
  if (row.stale === true) {
    return (
      <tr>
        <th scope="row" className="f" title={row.mountpoint}>
          {row.mountpoint}
        </th>
        <td colSpan={3} className="r hatched">
          <StaleTag seconds={row.age_seconds} />
        </td>
      </tr>
    );
  }
  const inodes = (row.inodes_used_percent ?? 0) > (row.used_percent ?? 0);
  const share = inodes ? row.inodes_used_percent : row.used_percent;
  const level = (inodes ? crowded : full)?.level ?? full?.level;
  const tone = level === undefined ? "" : level === "critical" ? "c" : "w";
  return (
    <tr>
      <th
        scope="row"
        className="k"
        title={`${row.mountpoint} · ${row.device ?? ""} · ${row.fstype ?? ""}`}
      >
        {row.mountpoint}
      </th>
      <td>
        <Bar percent={share} level={level} />
      </td>
      <td className={`r ${tone}`} title={inodes ? "inodes" : undefined}>
        {level !== undefined && <span className="hidden">{level} </span>}
        {inodes && <span className="f">i </span>}
        {percentText(share)}
      </td>
      <td className="r">{bytesShort(row.available_bytes)}</td>
    </tr>
  );
}

export function Bar({ percent, level }: { percent: number | null; level?: string | undefined }) {
  return (
    <span className={`bar data ${level ?? ""}`}>
      <span style={{ width: `${Math.min(100, percent ?? 0)}%` }} />
    </span>
  );
}
