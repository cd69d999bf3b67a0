/** Announces to screen readers how current the page is, and how many hosts fail. At most one change in five seconds. */
import { useEffect, useState } from "react";

import { isDisconnected, type Freshness } from "../store/freshness";
import type { OverviewState } from "./create-overview";
import type { Counts } from "./order";

const EVERY_MS = 5000;

export interface AnnouncerProps {
  readonly state: OverviewState;
  readonly fresh: Freshness;
}

export function Announcer({ state, fresh }: AnnouncerProps) {
  const alarm = isDisconnected(fresh) ? `connection ${fresh.kind}` : "";
  const present = alarm === "" ? failingText(state.counts) : "";
  const [announced, announce] = useState(present);
  useEffect(() => {
    const timer = setTimeout(() => {
      announce(present);
    }, EVERY_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [present]);
  return (
    <>
      <div className="visually-hidden" role="status">
        {announced}
      </div>
      <div className="visually-hidden" role="alert">
        {alarm}
      </div>
    </>
  );
}

function failingText(counts: Counts): string {
  const failing = [...counts].filter(([state]) => state !== "live");
  if (failing.length === 0) return counts.size === 0 ? "" : "all hosts are live";
  return failing.map(([state, hosts]) => `${hosts} ${state}`).join(", ");
}
