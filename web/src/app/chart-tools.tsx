/** The buttons of the chart in focus: statistics in the readouts of all charts, and this chart as an image. */
import { useState } from "react";

import type { ChartImage } from "../charts/png";
import { download, fileName } from "../parts/download";
import { SAVE_CHART_ID } from "../shell/keys";
import { useHost, usePage } from "../store/use-telemetry";

export interface ChartToolsProps {
  readonly statisticsShown: boolean;
  /** The name of the chart in the name of the file. */
  readonly name: string;
  readonly image: () => Omit<ChartImage, "host">;
}

export function ChartTools({ statisticsShown, name, image }: ChartToolsProps) {
  const { actions } = usePage();
  const { telemetry } = useHost();
  const [failure, setFailure] = useState<string | null>(null);
  const save = async (): Promise<void> => {
    const { pngOf } = await import("../charts/png");
    const host = telemetry.store.get().hello?.host.name ?? "host";
    const chart = { ...image(), host };
    download(fileName([host, name], chart.picture.to, "png"), await pngOf(chart));
  };
  return (
    <span className="chart-tools">
      {failure !== null && (
        <span className="warn" role="alert">
          ▲ not saved: {failure}
        </span>
      )}
      <button
        type="button"
        aria-pressed={statisticsShown}
        title="average, maximum and total of the window, in every readout"
        onClick={() => {
          actions.setStatistics(!statisticsShown);
        }}
      >
        statistics
      </button>
      <button
        type="button"
        id={SAVE_CHART_ID}
        title="save this chart as an image"
        onClick={() => {
          setFailure(null);
          save().catch((error: unknown) => {
            setFailure(error instanceof Error ? error.message : String(error));
          });
        }}
      >
        PNG
      </button>
    </span>
  );
}
