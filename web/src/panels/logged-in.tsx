/** Who let this page in, and the way out. Not on a wall, where nobody is to press anything. */
import { useState } from "react";

import { useSession, useTelemetry, useView } from "../store/use-telemetry";

/** In the header where there is room, else in the list of This stream, which `labelled` is for. */
export function LoggedIn({ labelled = false }: { labelled?: boolean }) {
  const { logOut } = useSession();
  const user = useTelemetry((state) => state.hello?.user ?? null);
  const kiosk = useView((view) => view.kiosk);
  const [failed, setFailed] = useState<string | null>(null);
  if (user === null || kiosk) return null;
  const press = (): void => {
    setFailed(null); // said anew, it is announced anew
    void logOut().then(setFailed);
  };
  return (
    <div className="login">
      {labelled && <span data-explain="login">logged in</span>}
      <span className="name" data-testid="user" data-explain="login" title={user}>
        {user}
      </span>
      <button type="button" onClick={press}>
        Log out
      </button>
      <p className="w" role="alert">
        {failed !== null && (
          <>
            <span className="mark">▲</span>still logged in: {failed}
          </>
        )}
      </p>
    </div>
  );
}
