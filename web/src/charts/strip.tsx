/** The strip under a numeral: what there is now against all there could be; or a cell per core. */
export interface BarStripProps {
  readonly parts: readonly { readonly share: number | null; readonly kind: "meter" | "rest" }[];
  readonly ticks?: readonly { readonly share: number; readonly strong?: boolean }[];
}

export function BarStrip({ parts, ticks = [] }: BarStripProps) {
  return (
    <div className="strip bar-strip" aria-hidden="true">
      {parts.map(({ share, kind }, index) => (
        <span
          key={index}
          className={`${kind} data`}
          style={{ width: `${clampShare(share) * 100}%` }}
        />
      ))}
      {ticks.map(({ share, strong }) => (
        <b
          key={share}
          className={strong === true ? "strong" : ""}
          style={{ left: `${clampShare(share) * 100}%` }}
        />
      ))}
    </div>
  );
}

export interface HeatStripProps {
  readonly cores: readonly { readonly id: number; readonly usage_percent: number | null }[];
}

const ONE_ROW_MOST = 32;
const CELLS_MOST = 128;

/** Two rows above 32 cores; above 128 a histogram: how many cores in each tenth of use. */
export function HeatStrip({ cores }: HeatStripProps) {
  if (cores.length > CELLS_MOST) return <Histogram cores={cores} />;
  const rows = cores.length > ONE_ROW_MOST ? 2 : 1;
  return (
    <div
      className="strip heat data"
      role="img"
      aria-label={spoken(cores)}
      style={{ gridTemplateColumns: `repeat(${Math.ceil(cores.length / rows)}, 1fr)` }}
    >
      {cores.map(({ id, usage_percent }) => (
        <span
          key={id}
          className={usage_percent === null ? "hatched" : `h${step(usage_percent)}`}
          title={`core ${id}`}
        />
      ))}
    </div>
  );
}

function Histogram({ cores }: HeatStripProps) {
  const deciles = Array.from({ length: 10 }, () => 0);
  for (const { usage_percent } of cores) {
    if (usage_percent === null) continue;
    const at = Math.min(9, Math.floor(usage_percent / 10));
    deciles[at] = (deciles[at] ?? 0) + 1;
  }
  const most = Math.max(1, ...deciles);
  return (
    <div className="strip histogram data" role="img" aria-label={spoken(cores)}>
      {deciles.map((count, at) => (
        <span
          key={at}
          className={`h${Math.min(7, Math.floor(at * 0.8))}`}
          style={{ height: `${(count / most) * 100}%` }}
        />
      ))}
    </div>
  );
}

function step(percent: number): number {
  return Math.max(0, Math.min(7, Math.floor(percent / 12.5)));
}

function spoken(cores: HeatStripProps["cores"]): string {
  const busiest = cores.reduce<HeatStripProps["cores"][number] | null>(
    (best, core) => ((core.usage_percent ?? -1) > (best?.usage_percent ?? -1) ? core : best),
    null,
  );
  if (busiest?.usage_percent == null) return `${cores.length} cores`;
  return `${cores.length} cores, busiest core ${busiest.id} at ${Math.round(busiest.usage_percent)} %`;
}

function clampShare(share: number | null): number {
  return share === null ? 0 : Math.max(0, Math.min(1, share));
}
