/** One process. Its drawer shows the whole name, the age and the CPU of the last minute. */
import { pathOf } from "../../charts/spark";
import { bytesShort, bytesText, byteRateText, count, fixed, UNKNOWN } from "../../format/numbers";
import { clock, duration } from "../../format/time";
import { Drawer } from "../../parts/drawer";
import { usePicture } from "../../store/use-telemetry";
import type { Process } from "../../protocol/sections";
import { shownCommand, SORT_KEYS } from "./order";
import type { Past } from "./table";

const LONG_WAIT_SAMPLES = 10;

export interface ProcessRowProps {
  readonly row: Process;
  readonly past: Past;
  readonly open: boolean;
  readonly toggle: () => void;
}

export function ProcessRow({ row, past, open, toggle }: ProcessRowProps) {
  const cpu = row.cpu_percent ?? 0;
  const command = shownCommand(row);
  return (
    <>
      <tr data-pid={row.pid} onClick={toggle}>
        <td className="right faint not-phone">{row.pid}</td>
        <th scope="row" className="primary" title={command}>
          <button
            type="button"
            aria-expanded={open}
            onClick={(event) => {
              event.stopPropagation(); // else the click on the row would close it again
              toggle();
            }}
          >
            {command}
          </button>
        </th>
        <td className="not-phone not-narrow">{row.user ?? UNKNOWN}</td>
        <State state={row.state} waitingSamples={past.waitingSamples} />
        <td className={cpu >= 1 ? "right primary" : "right"}>
          <span className="bar-cell">
            <span className={cpu > 100 ? "bar data over" : "bar data"}>
              <span style={{ width: `${Math.min(100, cpu)}%` }} />
            </span>
            <span>{fixed(row.cpu_percent, 1)}</span>
          </span>
        </td>
        <td className="right">{bytesShort(row.memory_rss_bytes)}</td>
        <td className="right faint not-phone not-narrow">{count(row.threads)}</td>
      </tr>
      {open && <Details row={row} cpu={past.cpu} />}
    </>
  );
}

/** D, waiting for a disk, stands out; a long wait is marked. */
function State({ state, waitingSamples }: { state: string | null; waitingSamples: number }) {
  if (state !== "D") return <td className="faint">{state}</td>;
  if (waitingSamples < LONG_WAIT_SAMPLES) return <td className="primary">D</td>;
  return (
    <td className="warn" title={`waiting for a disk for ${waitingSamples} samples`}>
      D
      <span className="mark long-wait" aria-hidden="true">
        ▲
      </span>
      <span className="visually-hidden"> for {waitingSamples} samples</span>
    </td>
  );
}

function rate(value: number | null): string {
  return value === null ? UNKNOWN : byteRateText(value);
}

interface DetailsProps {
  readonly row: Process;
  readonly cpu: Past["cpu"];
}

function Details({ row, cpu }: DetailsProps) {
  const now = usePicture((picture) => picture.to);
  const { started_at, cpu_percent_of_host, memory_percent } = row;
  const percent = (value: number | null): string =>
    value === null ? UNKNOWN : `${fixed(value, 1)} %`;
  return (
    <Drawer
      span={SORT_KEYS.length}
      facts={[
        [
          "started",
          started_at === null
            ? UNKNOWN
            : `${clock(started_at, false)}, ${duration(Math.max(0, now - started_at))} ago`,
        ],
        ["threads", count(row.threads)],
        ["of host cpu", percent(cpu_percent_of_host)],
        ["resident", `${bytesText(row.memory_rss_bytes)}, ${percent(memory_percent)}`],
        ["unit", row.unit ?? UNKNOWN],
        ["read", rate(row.read_bytes_per_second)],
        ["written", rate(row.write_bytes_per_second)],
      ]}
    >
      <p className="full-name">{row.command ?? row.name}</p>
      {cpu.length > 0 && <CpuHistory row={row} cpu={cpu} />}
    </Drawer>
  );
}

function CpuHistory({ row, cpu }: DetailsProps) {
  return (
    <svg
      className="cpu-history data"
      viewBox="0 0 59 100"
      preserveAspectRatio="none"
      role="img"
      aria-label={`cpu of the last ${cpu.length} samples, now ${fixed(row.cpu_percent, 1)} %`}
    >
      <path d={cpuPath(cpu)} />
    </svg>
  );
}

/** A unit of x per sample, the newest one at the right; y is at full height at 100 %, or at the highest value above. */
function cpuPath(cpu: Past["cpu"]): string {
  const highest = Math.max(100, ...cpu.map((value) => value ?? 0));
  const x = cpu.map((_, index) => index - cpu.length);
  return pathOf(x, cpu, -60, (value) => 100 - (value / highest) * 96, false);
}
