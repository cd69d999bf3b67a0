import { useTelemetry } from "../store/use-telemetry";
import { Badge } from "./badge";

export function Header() {
  const host = useTelemetry((state) => state.hello?.host ?? null);
  return (
    <header>
      <h1 data-testid="host">{host?.name ?? "–"}</h1>
      <div className="facts">
        {host?.kernel != null && <span>{host.kernel}</span>}
        {host?.cpu_model != null && <span>{host.cpu_model}</span>}
      </div>
      <Badge />
    </header>
  );
}
