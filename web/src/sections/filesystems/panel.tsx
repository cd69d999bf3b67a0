/** The table of filesystems: used and free space. A mount that does not answer keeps only its name. */
import { bytesShort, percentText } from "../../format/numbers";
import { StaleTag } from "../../parts/source-state";
import { Table } from "../../parts/table";
import { Mark, toneOf } from "../../charts/tone";
import { levelAbout, type Level } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Filesystem } from "../../protocol/sections";
import "./filesystems.css";

export function Filesystems() {
  const filesystems = usePicture(({ sample }) => sample?.sections.filesystems);
  const alerts = useShown((state) => state.alerts);
  return (
    <Table
      title="Filesystems"
      explain="filesystems"
      section="filesystems"
      className="filesystems"
      widths={["mount", "bar", "used", "free"]}
      titleSpan={2}
      columns={[{ name: "used" }, { name: "free" }]}
      empty={filesystems?.length === 0 ? "no filesystems" : null}
    >
      {filesystems?.map((one) =>
        one.stale === true ? (
          <StaleRow key={one.mountpoint} filesystem={one} />
        ) : (
          <Row
            key={one.mountpoint}
            filesystem={one}
            level={levelAbout(alerts, "filesystems", { mountpoint: one.mountpoint })}
          />
        ),
      )}
    </Table>
  );
}

function StaleRow({ filesystem: { mountpoint, age_seconds } }: { filesystem: Filesystem }) {
  return (
    <tr>
      <th scope="row" className="faint" title={mountpoint}>
        {mountpoint}
      </th>
      <td colSpan={3} className="right hatched">
        <StaleTag seconds={age_seconds} />
      </td>
    </tr>
  );
}

interface RowProps {
  readonly filesystem: Filesystem;
  readonly level: Level | undefined;
}

/** Shows inodes instead of space where they are scarcer. */
function Row({ filesystem, level }: RowProps) {
  const { mountpoint, device, fstype, used_percent, inodes_used_percent } = filesystem;
  const inodes = (inodes_used_percent ?? 0) > (used_percent ?? 0);
  const percent = inodes ? inodes_used_percent : used_percent;
  return (
    <tr>
      <th scope="row" className="primary" title={`${mountpoint} · ${device} · ${fstype}`}>
        <span className={toneOf(level)}>
          <Mark level={level} />
        </span>
        {mountpoint}
      </th>
      <td>
        <span className={`bar data ${level ?? ""}`}>
          <span style={{ width: `${Math.min(100, percent ?? 0)}%` }} />
        </span>
      </td>
      <td className={`right ${toneOf(level)}`} title={inodes ? "inodes" : undefined}>
        {inodes && <span className="faint">i </span>}
        {percentText(percent)}
      </td>
      <td className="right">{bytesShort(filesystem.available_bytes)}</td>
    </tr>
  );
}
