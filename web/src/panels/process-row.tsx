/** One process; opened, it tells its command line, its age and its last minute. */
import { bytesShort, bytesText, count, fixed, UNKNOWN } from "../format/numbers";
import { clock, duration } from "../format/time";
import type { Process } from "../protocol/sections";
import { usePicture, useSession } from "../store/use-telemetry";
import { Drawer } from "./drawer";

export interface ProcessRowProps {
  readonly row: Process;
  readonly open: boolean;
  readonly toggle: () => void;
}

export function ProcessRow({ row, open, toggle }: ProcessRowProps) {
  const cpu = row.cpu_percent ?? 0;
  const command = row.command ?? row.name;
  return (
    <>
      <tr data-pid={row.pid} onClick={toggle} className={open ? "open" : ""}>
        <td className="r f hm">{row.pid}</td>
        <th scope="row" className="k" title={command}>
          <button
            type="button"
            aria-expanded={open}
            onClick={(event) => {
              event.stopPropagation();
              toggle();
            }}
          >
            {command}
          </button>
        </th>
        <td className="hm nm">{row.user ?? UNKNOWN}</td>
        <State row={row} />
        <td className={cpu >= 1 ? "r k" : "r"}>
          <span className="cell">
            <span className={cpu > 100 ? "bar data over" : "bar data"}>
              <span style={{ width: `${Math.min(100, cpu)}%` }} />
            </span>
            <span>{fixed(row.cpu_percent, 1)}</span>
          </span>
        </td>
        <td className="r">{bytesShort(row.memory_rss_bytes)}</td>
        <td className="r f hm nm">{count(row.threads)}</td>
      </tr>
      {open && <Details row={row} command={command} />}
    </>
  );
}

const LONG_WAIT = 10;

/** Waiting for a disk is worth the ink; waiting for long is worth a mark. */
function State({ row }: { row: Process }) {
  const { processes } = useSession();
  if (row.state !== "D") return <td className="f">{row.state}</td>;
  const waited = processes.waited(row);
  if (waited < LONG_WAIT) return <td className="k">D</td>;
  return (
    <td className="w" title={`waiting for a disk for ${waited} samples`}>
      D<span className="mark late">▲</span>
    </td>
  );
}

function Details({ row, command }: { row: Process; command: string }) {
  const { processes } = useSession();
  const now = usePicture((picture) => picture.to);
  const history = processes.cpuHistory(row);
  const most = Math.max(100, ...history.map((value) => value ?? 0));
  const points = history.map((value, at) =>
    value === null ? null : `${at} ${(100 - (value / most) * 96).toFixed(1)}`,
  );
  const started = row.started_at;
  return (
    <Drawer
      span={7}
      facts={[
        [
          "started",
          started === null
            ? UNKNOWN
            : `${clock(started, false)}, ${duration(Math.max(0, now - started))} ago`,
        ],
        ["threads", count(row.threads)],
        [
          "of host cpu",
          row.cpu_percent_of_host === null ? UNKNOWN : `${fixed(row.cpu_percent_of_host, 1)} %`,
        ],
        [
          "resident",
          `${bytesText(row.memory_rss_bytes)}, ${row.memory_percent === null ? UNKNOWN : `${fixed(row.memory_percent, 1)} %`}`,
        ],
      ]}
    >
      <p className="command">{command}</p>
      <svg
        className="minute data"
        viewBox="0 0 59 100"
        preserveAspectRatio="none"
        role="img"
        aria-label={`cpu of the last ${history.length} s, now ${fixed(row.cpu_percent, 1)} %`}
      >
        <path d={`M${points.filter((point) => point !== null).join("L")}`} />
      </svg>
    </Drawer>
  );
}
