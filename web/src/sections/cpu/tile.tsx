/** The tile of the CPU: use over all cores, and one cell per core. */
import { Spark } from "../../charts/spark";
import { percent, percentText } from "../../format/numbers";
import { Detail, Numeral, Tile } from "../../parts/tile";
import { levelAbout } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import { ABOUT, FACETS } from "./chart";
import { fastest, slowdownOf } from "./clocks";
import { CoresStrip } from "./cores-strip";

const STEAL_SHOWN_PERCENT = 1;

export function CpuTile() {
  const picture = usePicture((now) => now);
  const hello = useShown((state) => state.hello);
  const alerts = useShown((state) => state.alerts);
  const cpu = picture.sample?.sections.cpu;
  const count = cpu?.online_count ?? hello?.host.cores ?? null;
  const slow = slowdownOf(cpu?.clocks);
  const frequency = fastest(cpu?.clocks);
  const cores = count === null ? "–" : `${count} ${count === 1 ? "core" : "cores"}`;
  const showsSteal = (cpu?.steal_percent ?? 0) >= STEAL_SHOWN_PERCENT;
  return (
    <Tile
      focus="cpu"
      facets={FACETS}
      about={ABOUT}
      name="CPU"
      explain="cpu"
      section="cpu"
      aside={frequency === null ? cores : `${cores} · ${frequency}`}
      numeral={<Numeral value={percent(cpu?.usage_percent)} unit="%" testId="cpu" />}
      strip={<CoresStrip cores={cpu?.cores ?? []} clocks={cpu?.clocks} />}
      spark={
        <Spark picture={picture} values={picture.slice.column("cpu.usage_percent")} minSpan={60} />
      }
      details={
        <>
          <Detail name="user">{percentText(cpu?.user_percent)}</Detail>
          {showsSteal ? (
            <Detail name="steal" level={levelAbout(alerts, "cpu.steal_percent")}>
              {percentText(cpu?.steal_percent)}
            </Detail>
          ) : (
            <Detail name="sys" optional>
              {percentText(cpu?.system_percent)}
            </Detail>
          )}
          {slow === null ? (
            <Detail name="iowait">{percentText(cpu?.iowait_percent)}</Detail>
          ) : (
            <Detail name={slow} level={levelAbout(alerts, "cpu.clocks")}>
              now
            </Detail>
          )}
        </>
      }
    />
  );
}
