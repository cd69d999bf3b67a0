/** On a front end: buttons that return to all hosts and that show the host before or after this one. */
import type { Fleet } from "../store/page";
import { useView } from "../store/use-telemetry";
import "./host-switcher.css";

export function HostSwitcher({ fleet }: { fleet: Fleet }) {
  const kiosk = useView((view) => view.kiosk);
  if (kiosk) return null;
  return (
    <nav className="host-switcher" aria-label="Hosts">
      <button type="button" onClick={fleet.close}>
        Hosts<kbd aria-hidden="true">Esc</kbd>
      </button>
      <Step fleet={fleet} by={-1} label="previous host" symbol="‹" />
      <Step fleet={fleet} by={1} label="next host" symbol="›" />
    </nav>
  );
}

interface StepProps {
  readonly fleet: Fleet;
  readonly by: 1 | -1;
  readonly label: string;
  readonly symbol: string;
}

function Step({ fleet, by, label, symbol }: StepProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={() => {
        fleet.step(by);
      }}
    >
      {symbol}
    </button>
  );
}
