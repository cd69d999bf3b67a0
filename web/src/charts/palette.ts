/** The page's colours for a canvas, read from the style sheet. While the host is disconnected, series are grey. */
import type { Colour } from "./spec";

export interface Palette {
  readonly ink: string;
  readonly ink2: string;
  readonly ink3: string;
  readonly line: string;
  readonly line2: string;
  readonly hatch: string;
  readonly accent: string;
  readonly critical: string;
  readonly warn: string;
  readonly info: string;
  readonly background: string;
  readonly fill: number;
  readonly font: string;
  readonly heat: readonly string[];
  /** The same as pixels of an image, see `pixelOf`. */
  readonly heatPixels: readonly number[];
  readonly series: (colour: Colour) => string;
}

const DISCONNECTED_ALPHA = 0.55;

/** One for all charts: reading it takes a millisecond, and every chart would read it for every sample. */
let kept: { readonly key: string; readonly palette: Palette } | null = null;

/** Return the colours of the page, in the theme that the root element has now. */
export function paletteOf(disconnected: boolean): Palette {
  const key = `${document.documentElement.dataset["theme"]} ${disconnected}`;
  if (kept?.key !== key) kept = { key, palette: readPalette(document.body, disconnected) };
  return kept.palette;
}

function readPalette(element: Element, disconnected: boolean): Palette {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const tone = (name: string): string =>
    disconnected ? grey(read(name), DISCONNECTED_ALPHA) : read(name);
  const heat = Array.from({ length: 8 }, (_, step) => tone(`h${step}`));
  return {
    ink: read("ink"),
    ink2: read("ink-2"),
    ink3: read("ink-3"),
    line: read("line"),
    line2: read("line-2"),
    hatch: read("hatch"),
    accent: read("accent"),
    critical: tone("critical"),
    warn: tone("warn-mark"),
    info: tone("ink-2"),
    background: read("bg"),
    fill: Number(read("fill")) * (disconnected ? DISCONNECTED_ALPHA : 1),
    font: style.fontFamily,
    heat,
    heatPixels: heat.map(pixelOf),
    series: (colour) => (colour === "free" ? "transparent" : tone(colour)),
  };
}

/** Return `#5893ee` with an alpha. A colour in another notation is returned unchanged. */
export function withAlpha(colour: string, alpha: number): string {
  const parts = channels(colour);
  return parts === null ? colour : `rgb(${parts.join(" ")} / ${alpha.toFixed(3)})`;
}

/** Return a colour as four bytes of ImageData, in one little-endian number. Another notation becomes transparent. */
export function pixelOf(colour: string): number {
  const [red, green, blue] = channels(colour) ?? [0, 0, 0];
  const alpha = channels(colour) === null ? 0 : Number(/\/ ([\d.]+)\)$/.exec(colour)?.[1] ?? 1);
  return ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Return a grey of the same lightness, by Rec. 709 luma. */
export function grey(colour: string, alpha: number): string {
  const parts = channels(colour);
  if (parts === null) return colour;
  const [red, green, blue] = parts;
  const luma = Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  return `rgb(${luma} ${luma} ${luma} / ${alpha})`;
}

function channels(colour: string): [number, number, number] | null {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour);
  const rgb = hex ?? /^rgb\((\d+) (\d+) (\d+)/.exec(colour);
  if (rgb === null) return null;
  const base = hex === null ? 10 : 16;
  return [parseInt(rgb[1] ?? "", base), parseInt(rgb[2] ?? "", base), parseInt(rgb[3] ?? "", base)];
}
