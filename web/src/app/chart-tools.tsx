/** The button of the chart in focus that shows statistics in the readouts of all charts. */
import { usePage } from "../store/use-telemetry";

export function ChartTools({ statisticsShown }: { readonly statisticsShown: boolean }) {
  const { actions } = usePage();
  return (
    <span className="chart-tools">
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
    </span>
  );
}
