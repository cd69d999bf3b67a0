/** Whose token this page uses, and a button to log out. Not in kiosk mode, where nothing can be pressed. */
import { useState } from "react";

import { usePage, useStore, useView } from "../store/use-telemetry";
import { explained } from "./explained";
import "./logged-in.css";

/** `labelled` is for a list; the header has no space for a label. */
export function LoggedIn({ labelled = false }: { labelled?: boolean }) {
  const { logOut, user: users } = usePage();
  const user = useStore(users, (name) => name);
  const kiosk = useView((view) => view.kiosk);
  const [failure, setFailure] = useState<string | null>(null);
  if (user === null || kiosk) return null;
  const press = (): void => {
    setFailure(null); // so that a screen reader announces the same reason again
    void logOut().then(setFailure);
  };
  return (
    <div className="login">
      {labelled && <span {...explained("page.login")}>logged in</span>}
      <span
        className="name"
        data-testid="user"
        title={user}
        {...explained(labelled ? undefined : "page.login")}
      >
        {user}
      </span>
      <button type="button" onClick={press}>
        Log out
      </button>
      <p className="warn" role="alert">
        {failure !== null && (
          <>
            <span className="mark">▲</span>log-out failed: {failure}
          </>
        )}
      </p>
    </div>
  );
}
