/** The bar under a numeral: the present value as a share of the whole, with ticks at its limits. */
import "./strip.css";

export interface BarStripProps {
  /** From left to right. A share is between 0 and 1; null is not known and draws nothing. */
  readonly parts: readonly { readonly share: number | null; readonly kind: "meter" | "rest" }[];
  readonly ticks?: readonly { readonly share: number; readonly strong?: boolean }[];
}

export function BarStrip({ parts, ticks = [] }: BarStripProps) {
  return (
    <div className="strip bar-strip" aria-hidden="true">
      {parts.map(({ share, kind }, index) => (
        <span key={index} className={`${kind} data`} style={{ width: percentOf(share) }} />
      ))}
      {ticks.map(({ share, strong }, index) => (
        <b
          key={index}
          className={strong === true ? "strong" : ""}
          style={{ left: percentOf(share) }}
        />
      ))}
    </div>
  );
}

function percentOf(share: number | null): string {
  return `${share === null ? 0 : Math.max(0, Math.min(1, share)) * 100}%`;
}
