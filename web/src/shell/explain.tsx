/**
 * The tooltip that explains a name after half a second of hover or focus, with a sentence and its source. There is one
 * tooltip for the whole page; `data-explain` has the key of the explanation. The tooltip never takes the focus, and
 * while it is shown it describes the element for screen readers. Escape hides it, and then does nothing else.
 */
import { useEffect, useState } from "react";

import type { Explanation } from "../protocol/explanations";
import { loadExplanations } from "./explanations";
import "./explain.css";

const HOVER_MS = 500;
const MAX_WIDTH = 320;
const MARGIN = 16;
const TOOLTIP_ID = "tooltip";

interface Tooltip {
  readonly explanation: Explanation;
  readonly left: number;
  readonly top: number;
  readonly above: boolean;
}

export function Explain() {
  const [tooltip, setTooltip] = useState<Tooltip | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let current: Element | null = null;
    let shown: Element | null = null;
    const hide = (): void => {
      clearTimeout(timer);
      current = null;
      shown?.removeAttribute("aria-describedby");
      shown = null;
      setTooltip(null);
    };
    const show = async (target: Element): Promise<void> => {
      // Without the explanations, the page works as before: the server may be gone.
      const explanations = await loadExplanations().catch(() => ({}));
      if (target !== current) return;
      const next = tooltipAt(target, explanations);
      setTooltip(next);
      if (next === null) return;
      shown = describedBy(target);
      shown.setAttribute("aria-describedby", TOOLTIP_ID);
    };
    const over = (event: Event): void => {
      if (event instanceof PointerEvent && event.pointerType === "touch") return;
      const target =
        event.target instanceof Element ? event.target.closest("[data-explain]") : null;
      if (target === current) return;
      hide();
      if (target === null) return;
      current = target;
      timer = setTimeout(() => void show(target), HOVER_MS);
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || shown === null) return;
      hide();
      event.preventDefault(); // the pause, which Escape ends as well, was not meant
    };
    document.addEventListener("pointerover", over);
    document.addEventListener("focusin", over);
    document.addEventListener("pointerdown", hide);
    document.addEventListener("keydown", key);
    return () => {
      hide();
      document.removeEventListener("pointerover", over);
      document.removeEventListener("focusin", over);
      document.removeEventListener("pointerdown", hide);
      document.removeEventListener("keydown", key);
    };
  }, []);
  if (tooltip === null) return null;
  const { explanation, left, top, above } = tooltip;
  return (
    <div
      id={TOOLTIP_ID}
      className={above ? "tooltip above" : "tooltip"}
      role="tooltip"
      style={{ left, top }}
    >
      <b>{explanation.name}</b> {explanation.text} <span className="faint">{explanation.from}</span>
    </div>
  );
}

/** Return the control in a head of a table, which has the focus, else the element itself. */
function describedBy(target: Element): Element {
  return target.querySelector("button") ?? target;
}

function tooltipAt(
  target: Element,
  explanations: Readonly<Record<string, Explanation>>,
): Tooltip | null {
  const explanation = explanations[target.getAttribute("data-explain") ?? ""];
  if (explanation === undefined || !target.isConnected) return null;
  const anchor = target.querySelector(".tile-head b") ?? target;
  const box = anchor.getBoundingClientRect();
  const above = box.bottom > window.innerHeight * 0.7;
  const width = Math.min(MAX_WIDTH, window.innerWidth - 2 * MARGIN);
  return {
    explanation,
    left: Math.max(MARGIN, Math.min(box.left, window.innerWidth - width - MARGIN)),
    top: above ? box.top - 6 : box.bottom + 6,
    above,
  };
}
