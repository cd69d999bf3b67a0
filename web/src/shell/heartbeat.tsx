/** One tick per sample, the newest at the right: it shows at a glance whether the data is live. */
import { count as countText } from "../format/numbers";
import { explained } from "../parts/explained";
import { isDisconnected } from "../store/freshness";
import { tickSeconds } from "../store/step";
import { LATE_COLUMN } from "../store/telemetry";
import { liveEdge } from "../store/timeline";
import { useDisplay, useHost } from "../store/use-telemetry";
import "./heartbeat.css";

export type Beat = "full" | "late" | "missed" | "none";

const HEIGHT: Readonly<Record<Beat, number>> = { full: 12.3, late: 7, missed: 2.5, none: 0 };

/** Shows the last `count` samples. It continues while the page is paused, because the host still sends. */
export function Heartbeat({ count }: { readonly count: number }) {
  const { telemetry } = useHost();
  const nowMs = useDisplay((display) => display.nowMs);
  const disconnected = useDisplay(({ fresh }) => isDisconnected(fresh));
  const tick = tickSeconds(telemetry.store.get().hello);
  const edge = liveEdge(telemetry.store.get(), nowMs);
  const beats = beatsOf(telemetry.ring.slice(edge - (count + 2) * tick, edge), edge, tick, count);
  return (
    <svg
      className={disconnected ? "heartbeat disconnected" : "heartbeat"}
      viewBox={`0 0 ${count * 3} 14`}
      preserveAspectRatio="none"
      role="img"
      aria-label={labelOf(beats)}
      {...explained("page.heartbeat")}
    >
      {beats.map((beat, at) => {
        const height = HEIGHT[beat];
        const newest = at === count - 1;
        return beat === "none" ? null : (
          <rect
            key={at}
            className={newest && beat !== "missed" ? "newest" : beat}
            x={at * 3}
            y={14 - height}
            width={1.2}
            height={height}
            opacity={beat === "missed" || newest ? 1 : 0.45 + (0.5 * at) / count}
          />
        );
      })}
    </svg>
  );
}

function labelOf(beats: readonly Beat[]): string {
  const of = (kind: Beat) => countText(beats.filter((beat) => beat === kind).length);
  return `heartbeat: ${of("late")} samples late and ${of("missed")} missed of the last ${countText(beats.length)}`;
}

interface Slots {
  readonly x: readonly number[];
  readonly known: readonly boolean[];
  readonly column: (name: string) => readonly (number | null)[];
}

export function beatsOf(slots: Slots, edge: number, tick: number, count: number): Beat[] {
  const late = slots.column(LATE_COLUMN);
  const beats = slots.x.map((_, at): Beat => {
    if (slots.known[at] !== true) return "missed";
    return late[at] === 1 ? "late" : "full";
  });
  const newest = slots.x.at(-1);
  const silent = newest === undefined ? 0 : Math.max(0, Math.round((edge - newest) / tick));
  const all = [
    ...beats,
    ...Array.from({ length: Math.min(silent, count) }, (): Beat => "missed"),
  ].slice(-count);
  return [...Array.from({ length: count - all.length }, (): Beat => "none"), ...all];
}
