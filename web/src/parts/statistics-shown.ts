/** Whether the readouts of the charts show average, maximum and total. */
import { useView } from "../store/use-telemetry";
import { useLayout } from "./layout";

/** Return the choice of the viewer, else whether there is space. A wall screen is read from afar, so it shows less. */
export function useStatisticsShown(): boolean {
  const chosen = useView(({ statistics }) => statistics);
  const kiosk = useView((view) => view.kiosk);
  const { roomy } = useLayout();
  return chosen ?? (roomy && !kiosk);
}
