/** The panels of the sections: beside the charts, and in the row below them. */
import type { ReactNode } from "react";

import { Boundary } from "../parts/boundary";
import { FailedPanel } from "../parts/panel";
import { PANELS } from "../sections";
import type { SectionPanel } from "../sections/section";
import { usePicture } from "../store/use-telemetry";
import "./panels.css";

/** The place of the shared column among the panels of the row. */
const COLUMN_ORDER = 50;

export function SidePanels() {
  return <>{usePanels("side").map(draw)}</>;
}

export function PanelRow() {
  const row = usePanels("row");
  const column = usePanels("column");
  return (
    <div className="columns panels" id="tables" tabIndex={-1} role="group" aria-label="Tables">
      {row.filter(({ order }) => order < COLUMN_ORDER).map(draw)}
      {column.length > 0 && <div className="column">{column.map(draw)}</div>}
      {row.filter(({ order }) => order > COLUMN_ORDER).map(draw)}
    </div>
  );
}

/** Return the panels of this place that have something to show on this host. */
function usePanels(place: SectionPanel["place"]): SectionPanel[] {
  const sample = usePicture((picture) => picture.sample);
  return PANELS.filter((panel) => panel.place === place && panel.isShown(sample));
}

function draw({ title, Panel }: SectionPanel): ReactNode {
  return (
    <Boundary key={title} fallback={(reason) => <FailedPanel title={title} reason={reason} />}>
      <Panel />
    </Boundary>
  );
}
