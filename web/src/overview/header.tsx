/** The top of the overview: how many hosts there are, how current the page is, and the controls. */
import { count } from "../format/numbers";
import { age } from "../format/time";
import { LoggedIn } from "../parts/logged-in";
import { FindButton } from "../shell/find-button";
import { isDisconnected, type Freshness } from "../store/freshness";
import { useView } from "../store/use-telemetry";
import type { OverviewState, RunningOverview } from "./create-overview";
import type { OverviewActions } from "./keys";

export interface OverviewHeaderProps {
  readonly overview: RunningOverview;
  readonly state: OverviewState;
  readonly fresh: Freshness;
  readonly actions: OverviewActions;
}

export function OverviewHeader({ overview, state, fresh, actions }: OverviewHeaderProps) {
  const kiosk = useView((view) => view.kiosk);
  return (
    <header>
      <h1>{state.rows.length === 1 ? "1 host" : `${count(state.rows.length)} hosts`}</h1>
      <div className="freshness">
        <NextTry overview={overview} fault={state.fault} fresh={fresh} />
        <div className={`badge ${fresh.kind}`} data-testid="freshness" data-state={fresh.kind}>
          <b>{"name" in fresh ? fresh.name : fresh.kind}</b>
          <span className="age">{ageText(fresh)}</span>
        </div>
      </div>
      {!kiosk && (
        <div className="controls" role="group" aria-label="Controls">
          <button type="button" onClick={actions.toggleTheme}>
            Theme<kbd aria-hidden="true">t</kbd>
          </button>
          <FindButton showCommands={actions.toggleCommands} />
          <button type="button" onClick={actions.toggleHelp} aria-haspopup="dialog">
            Help<kbd aria-hidden="true">?</kbd>
          </button>
        </div>
      )}
      <LoggedIn />
    </header>
  );
}

function ageText(fresh: Freshness): string {
  if (!("ageSeconds" in fresh) || fresh.ageSeconds === null) return "";
  return fresh.kind === "live" ? "" : age(fresh.ageSeconds);
}

/** A connection that is made sooner than this needs no explanation. */
const EXPLAIN_AFTER_SECONDS = 3;

interface NextTryProps extends Pick<OverviewHeaderProps, "overview" | "fresh"> {
  readonly fault: string | null;
}

function NextTry({ overview, fault, fresh }: NextTryProps) {
  const isSoon = fresh.kind === "connecting" && fresh.seconds < EXPLAIN_AFTER_SECONDS;
  if (isSoon || !(isDisconnected(fresh) || fresh.kind === "connecting")) return null;
  const { nextTrySeconds: seconds } = fresh;
  const reason = ("reason" in fresh ? fresh.reason : null) ?? fault;
  const next = seconds === null || seconds === 0 ? "trying to connect" : `next try in ${seconds} s`;
  return (
    <div className="next-try">
      <span>{reason === null ? next : `${reason} · ${next}`}</span>
      <button type="button" onClick={overview.tryNow}>
        try now
      </button>
    </div>
  );
}
