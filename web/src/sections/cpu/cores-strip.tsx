/** One cell per core, in two rows above 32 cores; above 128, how many cores there are in each tenth of use. */
import type { Clocks } from "../../protocol/sections";
import { coreText } from "./clocks";
import "./cpu.css";

const MAX_ONE_ROW = 32;
const MAX_CELLS = 128;

interface CoresProps {
  readonly cores: readonly { readonly id: number; readonly usage_percent: number | null }[];
  readonly clocks?: Clocks | null | undefined;
}

export function CoresStrip({ cores, clocks }: CoresProps) {
  if (cores.length > MAX_CELLS) return <Histogram cores={cores} />;
  const rows = cores.length > MAX_ONE_ROW ? 2 : 1;
  const clockOf = new Map((clocks?.cores ?? []).map((clock) => [clock.id, clock]));
  return (
    <div
      className="strip cores data"
      role="img"
      aria-label={summary(cores)}
      style={{ gridTemplateColumns: `repeat(${Math.ceil(cores.length / rows)}, 1fr)` }}
    >
      {cores.map(({ id, usage_percent }) => (
        <span
          key={id}
          className={usage_percent === null ? "hatched" : `heat-${heatStep(usage_percent)}`}
          title={coreText(id, clockOf.get(id))}
        />
      ))}
    </div>
  );
}

function Histogram({ cores }: Pick<CoresProps, "cores">) {
  const deciles = Array.from({ length: 10 }, () => 0);
  for (const { usage_percent } of cores) {
    if (usage_percent === null) continue;
    const decile = Math.min(9, Math.floor(usage_percent / 10));
    deciles[decile] = (deciles[decile] ?? 0) + 1;
  }
  const highest = Math.max(1, ...deciles);
  return (
    <div className="strip cores-histogram data" role="img" aria-label={summary(cores)}>
      {deciles.map((count, decile) => (
        <span
          key={decile}
          className={`heat-${Math.min(7, Math.floor(decile * 0.8))}`}
          style={{ height: `${(count / highest) * 100}%` }}
        />
      ))}
    </div>
  );
}

function heatStep(percent: number): number {
  return Math.max(0, Math.min(7, Math.floor(percent / 12.5)));
}

function summary(cores: CoresProps["cores"]): string {
  const busiest = cores.reduce<CoresProps["cores"][number] | null>(
    (best, core) => ((core.usage_percent ?? -1) > (best?.usage_percent ?? -1) ? core : best),
    null,
  );
  if (busiest?.usage_percent == null) return `${cores.length} cores`;
  return `${cores.length} cores, busiest core ${busiest.id} at ${Math.round(busiest.usage_percent)} %`;
}
