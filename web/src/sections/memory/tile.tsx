/** The tile of memory: used bytes, and the shares of used, reclaimable and free memory. */
import { Spark } from "../../charts/spark";
import { BarStrip } from "../../charts/strip";
import { bytes, bytesText } from "../../format/numbers";
import { Detail, Numeral, Tile } from "../../parts/tile";
import { levelAbout } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Sections } from "../../protocol/sections";
import { ABOUT, FACETS } from "./chart";

const MARK_AT = 0.9;
/** Of all memory: the smallest range of the sparkline, so that noise stays small. */
const MIN_SPAN = 0.05;

export function MemoryTile() {
  const picture = usePicture((now) => now);
  const memory = picture.sample?.sections.memory;
  return (
    <Tile
      focus="memory"
      facets={FACETS}
      about={ABOUT}
      name="Memory"
      explain="memory"
      section="memory"
      aside={`of ${bytesText(memory?.total_bytes)}`}
      numeral={<Numeral {...bytes(memory?.used_bytes)} testId="memory" />}
      strip={<BarStrip parts={partsOf(memory)} ticks={[{ share: MARK_AT }]} />}
      spark={
        <Spark
          picture={picture}
          values={picture.slice.column("memory.used_bytes")}
          fromZero={false}
          minSpan={(memory?.total_bytes ?? 0) * MIN_SPAN}
        />
      }
      details={<Details />}
    />
  );
}

function partsOf(memory: Sections["memory"]) {
  const share = (part: number | null | undefined): number | null =>
    part == null || !memory?.total_bytes ? null : part / memory.total_bytes;
  const available = share(memory?.available_bytes);
  const free = share(memory?.free_bytes);
  const reclaimable = available === null || free === null ? null : Math.max(0, available - free);
  return [
    { share: share(memory?.used_bytes), kind: "meter" },
    { share: reclaimable, kind: "rest" },
  ] as const;
}

const NONE: Sections = {};

function Details() {
  const { memory, swap } = usePicture(({ sample }) => sample?.sections ?? NONE);
  const short = useShown(({ alerts }) => levelAbout(alerts, "memory"));
  const swapping = useShown(({ alerts }) => levelAbout(alerts, "swap.in_bytes_per_second"));
  return (
    <>
      {short === undefined ? (
        <Detail name="cached">{bytesText(memory?.cached_bytes)}</Detail>
      ) : (
        <Detail name="available" level={short}>
          {bytesText(memory?.available_bytes)}
        </Detail>
      )}
      {swapping === undefined ? (
        <Detail name="swap">
          {swap?.total_bytes === 0 ? "none" : bytesText(swap?.used_bytes)}
        </Detail>
      ) : (
        <Detail name="swapping in" level={swapping}>
          {bytesText(swap?.in_bytes_per_second)}/s
        </Detail>
      )}
    </>
  );
}
