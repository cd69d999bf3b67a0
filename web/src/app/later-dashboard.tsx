/** The dashboard on a front end, which is loaded apart: most of it is charts, which the overview does not have. */
import { useMemo } from "react";

import { loadWhenIdle } from "../parts/load-when-idle";
import { loadParts, type Load } from "../parts/loaded";
import { hostKeysOf } from "../shell/keys";
import { Later } from "../shell/later";
import { useKeys } from "../shell/use-keys";
import { useHost, useTelemetry } from "../store/use-telemetry";
import type { DashboardProps } from "./dashboard";
import { useRoot } from "./use-root";
import "./later-dashboard.css";

const loadDashboard: Load<DashboardProps> = () =>
  import("./dashboard").then(({ Dashboard }) => Dashboard);

/** So that an open overview can show a host also while the server is away, and after it has been updated. */
export function loadDashboardWhenIdle(): void {
  loadWhenIdle(loadDashboard, loadParts);
}

export function LaterDashboard({ page }: DashboardProps) {
  return (
    <Later
      load={loadDashboard}
      props={{ page }}
      close={page.fleet?.close ?? null}
      meanwhile={(failed) => <Meanwhile page={page} failed={failed} />}
    />
  );
}

const nothing = (): void => undefined;

/** The name of the host, and the keys that lead to another one. */
function Meanwhile({ page, failed }: DashboardProps & { readonly failed: boolean }) {
  useRoot(page);
  const keys = useMemo(() => hostKeysOf(page), [page]);
  useKeys({ keys, actions: page.actions, clearFilter: nothing, closeDialog: null });
  const { id } = useHost();
  const greeted = useTelemetry(({ hello }) => hello?.host.name);
  const name = greeted ?? page.fleet?.list().find((one) => one.id === id)?.name ?? id;
  return (
    <div className="page">
      <main>
        <div className="meanwhile">
          <h1>{name}</h1> {!failed && <span role="status">loading the page …</span>}
        </div>
      </main>
    </div>
  );
}
