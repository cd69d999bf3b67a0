/** A hook that watches how many rows fit into the table. */
import { useEffect, useRef, useState } from "react";

/** The heights of the head and of a row in the style sheet. */
const HEAD_REM = 1.25;
const ROW_REM = 1.3125;

/** Return a ref for the list and a limit for its rows: in kiosk mode, where nobody can scroll, those that fit. */
export function useFittingRows(kiosk: boolean): [React.RefObject<HTMLDivElement | null>, number] {
  const list = useRef<HTMLDivElement>(null);
  const [fitting, setFitting] = useState(Infinity);
  useEffect(() => {
    const element = list.current;
    if (element === null || !kiosk) return;
    const observer = new ResizeObserver(() => {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      setFitting(Math.max(1, Math.floor((element.clientHeight / rem - HEAD_REM) / ROW_REM)));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [kiosk]);
  return [list, kiosk ? fitting : Infinity];
}
