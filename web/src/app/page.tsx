/** The page: starts the session while it is mounted, and lays out what there is to see. */
import { useEffect } from "react";

import { Glance } from "../panels/glance";
import { Header } from "../shell/header";
import { SessionContext } from "../store/use-telemetry";
import type { RunningSession } from "./session";

export function Page({ session }: { session: RunningSession }) {
  useEffect(() => session.start(), [session]);
  return (
    <SessionContext value={session}>
      <div className="page">
        <Header />
        <main>
          <Glance />
        </main>
      </div>
    </SessionContext>
  );
}
