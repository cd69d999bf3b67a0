/**
 * Numbers as text: three significant digits, IEC bytes, a space before the unit, a true minus sign. A value that is not
 * known is `–`, never 0.
 */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

export const UNKNOWN = "–";
const IEC = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

type Maybe = number | null | undefined;

export function bytes(value: Maybe): Quantity {
  if (value === null || value === undefined) return { value: UNKNOWN, unit: "B" };
  let rest = value;
  let step = 0;
  while (rest >= 999.5 && step < IEC.length - 1) {
    rest /= 1024;
    step += 1;
  }
  return { value: step === 0 ? rest.toFixed(0) : threeDigits(rest), unit: IEC[step] ?? "B" };
}

export function byteRate(value: Maybe): Quantity {
  const size = bytes(value);
  return { value: size.value, unit: `${size.unit}/s` };
}

/** `62.7 GiB` */
export function bytesText(value: Maybe): string {
  return joined(bytes(value));
}

export function byteRateText(value: Maybe): string {
  return joined(byteRate(value));
}

/** `62.7 Gi`, as in `free -h`: for tables, where the head of the column names the quantity. */
export function bytesShort(value: Maybe): string {
  const size = bytes(value);
  return size.value === UNKNOWN
    ? UNKNOWN
    : `${size.value} ${size.unit.length > 1 ? size.unit.slice(0, 2) : "B"}`;
}

/** One decimal below 9.95, none above. */
export function percent(value: Maybe): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}

export function percentText(value: Maybe): string {
  return value === null || value === undefined ? UNKNOWN : `${percent(value)} %`;
}

/** `0.4 /s`, `2 791 /s` */
export function perSecond(value: number | null): string {
  return value === null ? UNKNOWN : `${value < 9.95 ? fixed(value, 1) : count(value)} /s`;
}

/** `2 791`, with thin spaces. */
export function count(value: Maybe): string {
  if (value === null || value === undefined) return UNKNOWN;
  const digits = Math.abs(Math.round(value))
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, "\u2009");
  return value <= -0.5 ? `\u2212${digits}` : digits;
}

export function fixed(value: Maybe, decimals: number): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value.toFixed(decimals).replace("-", "\u2212");
}

/** Three significant digits for values below a thousand: `4.89`, `62.7`, `412`. */
function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

function joined(quantity: Quantity): string {
  return quantity.value === UNKNOWN ? UNKNOWN : `${quantity.value} ${quantity.unit}`;
}
