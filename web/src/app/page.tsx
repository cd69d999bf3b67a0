/** The page: the dashboard of the host that is shown or, on a front end, the overview. */
import type { ComponentType } from "react";

import type { RunningOverview } from "../overview/create-overview";
import type { OverviewProps } from "../overview/overview";
import type { Load } from "../parts/loaded";
import { Later } from "../shell/later";
import { HostContext, PageContext, useStore } from "../store/use-telemetry";
import type { RunningPage } from "./create-page";
import type { DashboardProps } from "./dashboard";
import { useRoot } from "./use-root";
import "./page.css";

export interface PageProps {
  readonly page: RunningPage;
  /** The dashboard of a host. */
  readonly Dashboard: ComponentType<DashboardProps>;
  /** The overview of a front end. */
  readonly Overview?: ComponentType<OverviewProps>;
}

const loadKiosk: Load<object> = () => import("../shell/kiosk").then(({ Kiosk }) => Kiosk);

export function Page({ page, Dashboard, Overview }: PageProps) {
  const host = useStore(page.host, (now) => now);
  const isKiosk = useStore(page.view, ({ kiosk }) => kiosk);
  const { overview } = page;
  return (
    <PageContext value={page}>
      {host !== null && (
        <HostContext value={host}>
          {/* Nothing of one host stays for the next one, for example its open drawers. */}
          <Dashboard key={host.key} page={page} />
        </HostContext>
      )}
      {host === null && overview !== null && Overview !== undefined && (
        <OverviewRoot page={page} overview={overview} Overview={Overview} />
      )}
      {isKiosk && <Later load={loadKiosk} props={{}} close={null} />}
    </PageContext>
  );
}

interface OverviewRootProps extends Required<Pick<PageProps, "page" | "Overview">> {
  readonly overview: RunningOverview;
}

function OverviewRoot({ page, overview, Overview }: OverviewRootProps) {
  const { toggleTheme } = useRoot(page);
  return <Overview overview={overview} toggleTheme={toggleTheme} />;
}
