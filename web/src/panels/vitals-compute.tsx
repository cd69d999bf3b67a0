/** The tiles for cores, memory and load. */
import { Spark } from "../charts/spark";
import { BarStrip, HeatStrip } from "../charts/strip";
import { bytes, bytesText, fixed, percent, percentText } from "../format/numbers";
import { usePicture, useTelemetry } from "../store/use-telemetry";
import { Numeral, Sub, Vital } from "./vital";

const STEAL_SHOWN_PERCENT = 1;

export function CpuVital() {
  const picture = usePicture((now) => now);
  const hello = useTelemetry((state) => state.hello);
  const steal = useTelemetry((state) => state.alerts.get("steal"));
  const cpu = picture.sample?.sections.cpu;
  const count = cpu?.online_count ?? hello?.host.cores ?? null;
  const stolen = (cpu?.steal_percent ?? 0) >= STEAL_SHOWN_PERCENT;
  return (
    <Vital
      focus="cpu"
      name="CPU"
      explain="cpu"
      section="cpu"
      aside={count === null ? "–" : `${count} ${count === 1 ? "core" : "cores"}`}
      numeral={<Numeral value={percent(cpu?.usage_percent)} unit="%" testId="cpu" />}
      strip={<HeatStrip cores={cpu?.cores ?? []} />}
      spark={
        <Spark picture={picture} values={picture.slice.column("cpu.usage_percent")} least={60} />
      }
      line={
        <>
          <Sub name="user">{percentText(cpu?.user_percent)}</Sub>
          {stolen ? (
            <Sub name="steal" level={steal?.level}>
              {percentText(cpu?.steal_percent)}
            </Sub>
          ) : (
            <Sub name="sys" optional>
              {percentText(cpu?.system_percent)}
            </Sub>
          )}
          <Sub name="iowait">{percentText(cpu?.iowait_percent)}</Sub>
        </>
      }
    />
  );
}

export function MemoryVital() {
  const picture = usePicture((now) => now);
  const short = useTelemetry((state) => state.alerts.get("memory"));
  const swapping = useTelemetry((state) => state.alerts.get("swap"));
  const memory = picture.sample?.sections.memory;
  const swap = picture.sample?.sections.swap;
  const used = bytes(memory?.used_bytes);
  const share = (part: number | null | undefined): number | null =>
    part == null || !memory?.total_bytes ? null : part / memory.total_bytes;
  const available = share(memory?.available_bytes);
  const free = share(memory?.free_bytes);
  return (
    <Vital
      focus="memory"
      name="Memory"
      explain="memory"
      section="memory"
      aside={`of ${bytesText(memory?.total_bytes)}`}
      numeral={<Numeral {...used} testId="memory" />}
      strip={
        <BarStrip
          parts={[
            { share: share(memory?.used_bytes), kind: "meter" },
            {
              share: available === null || free === null ? null : Math.max(0, available - free),
              kind: "rest",
            },
          ]}
          ticks={[{ share: 0.9 }]}
        />
      }
      spark={
        <Spark
          picture={picture}
          values={picture.slice.column("memory.used_bytes")}
          fromZero={false}
          least={(memory?.total_bytes ?? 0) * 0.05}
        />
      }
      line={
        <>
          {short === undefined ? (
            <Sub name="cached">{bytesText(memory?.cached_bytes)}</Sub>
          ) : (
            <Sub name="available" level={short.level}>
              {bytesText(memory?.available_bytes)}
            </Sub>
          )}
          {swapping === undefined ? (
            <Sub name="swap">{swap?.total_bytes === 0 ? "none" : bytesText(swap?.used_bytes)}</Sub>
          ) : (
            <Sub name="swapping in" level={swapping.level}>
              {bytesText(swap?.in_bytes_per_second)}/s
            </Sub>
          )}
        </>
      }
    />
  );
}

const STALLS = ["io", "cpu", "memory"] as const;

export function LoadVital() {
  const picture = usePicture((now) => now);
  const alerts = useTelemetry((state) => state.alerts);
  const load = picture.sample?.sections.load;
  const pressure = picture.sample?.sections.pressure;
  const online = picture.sample?.sections.cpu?.online_count ?? 1;
  const full = 1.5 * online;
  const stalls = STALLS.map((what) => ({ what, share: pressure?.[what]?.some_percent ?? null }))
    .sort((one, other) => (other.share ?? -1) - (one.share ?? -1))
    .slice(0, 2);
  return (
    <Vital
      focus="load"
      name="Load"
      explain="load"
      section="load"
      aside="1, 5, 15 min"
      numeral={
        <span className="num">
          <span className="v">{fixed(load?.avg1, 2)}</span>
          <span className="also">{fixed(load?.avg5, 2)}</span>
          <span className="also">{fixed(load?.avg15, 2)}</span>
        </span>
      }
      strip={
        <BarStrip
          parts={[{ share: load?.avg1 == null ? null : load.avg1 / full, kind: "meter" }]}
          ticks={[{ share: 1 / 1.5, strong: true }]}
        />
      }
      spark={<Spark picture={picture} values={picture.slice.column("load.avg1")} steps least={1} />}
      line={
        pressure === undefined && picture.sample !== null ? (
          <>
            <Sub name="running">{fixed(load?.procs_running, 0)}</Sub>
            <Sub name="blocked">{fixed(load?.procs_blocked, 0)}</Sub>
          </>
        ) : (
          stalls.map(({ what, share }) => (
            <Sub
              key={what}
              name={`${what} stall`}
              level={(alerts.get(`stall.${what}.full`) ?? alerts.get(`stall.${what}`))?.level}
            >
              {percentText(share)}
            </Sub>
          ))
        )
      }
    />
  );
}
