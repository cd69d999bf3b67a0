/**
 * Every name explains itself: half a second of hover, or focus, shows one sentence and its source.
 * One popover for the whole page, found by `data-explain`; it never takes the focus.
 */
import { useEffect, useState } from "react";

import { MEANINGS, type Meaning } from "../format/meanings";

const HOVER_MS = 500;

interface Shown {
  readonly meaning: Meaning;
  readonly left: number;
  readonly top: number;
  readonly above: boolean;
}

export function Explain() {
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    let current: Element | null = null;
    const hide = (): void => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      current = null;
      setShown(null);
    };
    const over = (event: Event): void => {
      if (event instanceof PointerEvent && event.pointerType === "touch") return;
      const target =
        event.target instanceof Element ? event.target.closest("[data-explain]") : null;
      if (target === current) return;
      hide();
      if (target === null) return;
      current = target;
      timer = setTimeout(() => {
        setShown(shownAt(target));
      }, HOVER_MS);
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key === "Escape") hide();
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
  if (shown === null) return null;
  const { meaning, left, top, above } = shown;
  return (
    <div className={above ? "explain above" : "explain"} role="tooltip" style={{ left, top }}>
      <b>{meaning.name}</b> {meaning.text} <span className="f">{meaning.from}</span>
    </div>
  );
}

function shownAt(target: Element): Shown | null {
  const meaning = MEANINGS[target.getAttribute("data-explain") ?? ""];
  if (meaning === undefined || !target.isConnected) return null;
  const anchor = target.querySelector(".top b") ?? target;
  const box = anchor.getBoundingClientRect();
  const above = box.bottom > window.innerHeight * 0.7;
  const width = Math.min(320, window.innerWidth - 32);
  return {
    meaning,
    left: Math.max(16, Math.min(box.left, window.innerWidth - width - 16)),
    top: above ? box.top - 6 : box.bottom + 6,
    above,
  };
}
