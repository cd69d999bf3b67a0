/** The list of alerts: what fires, since when and why; what resolved lately; and whether the browser reports them. */
import { useId, type ReactNode } from "react";

import { clock, date, duration } from "../format/time";
import { toneOf } from "../charts/tone";
import { MARKS, SEVERITIES, type Alert } from "../store/alerts";
import type { NotificationState } from "../store/page";
import { useDisplay, usePage, usePicture, useShown, useStore } from "../store/use-telemetry";
import { Dialog } from "./dialog";
import type { DialogProps } from "./later";
import { FailingList, useFailing } from "./receivers";
import { canSilence, SilenceButtons, SilenceList, useSilences } from "./silences";
import "./alert-dialog.css";

export function AlertDialog({ close }: DialogProps) {
  const { firing, omitted, resolved } = useShown((state) => state.alerts);
  const hasSample = useShown((state) => state.latest !== null);
  const paused = useDisplay((display) => display.paused);
  const to = usePicture((picture) => picture.to);
  const silences = useSilences();
  const failing = useFailing(silences !== null);
  return (
    <Dialog title="Alerts" testId="alert-dialog" close={close}>
      {paused && <p className="faint">As of the pause, {clock(to)}.</p>}
      <Part title="Firing">
        {firing === null ? (
          <p className="faint">
            {hasSample ? "There are no rules: this server reports no alerts." : "Not known yet."}
          </p>
        ) : firing.length === 0 ? (
          <p className="faint">Nothing fires.</p>
        ) : (
          <List
            alerts={firing}
            now={to}
            buttonsOf={(alert) =>
              silences !== null &&
              canSilence(alert, silences) && <SilenceButtons alert={alert} silences={silences} />
            }
          />
        )}
        {omitted > 0 && <p className="faint">and {omitted} more</p>}
      </Part>
      {failing.length > 0 && (
        <Part title="Receivers that fail, so that they are not notified">
          <FailingList receivers={failing} />
        </Part>
      )}
      <Part title="Resolved while this page was open">
        {resolved.length === 0 ? (
          <p className="faint">Nothing in the last hour.</p>
        ) : (
          <List alerts={resolved} now={to} />
        )}
      </Part>
      {silences !== null && (
        <Part title="Silences, during which nobody is notified">
          <SilenceList silences={silences} />
        </Part>
      )}
      <p className="alert-part">
        <NotifyButton />
      </p>
    </Dialog>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className="alert-part" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  );
}

interface ListProps {
  readonly alerts: readonly Alert[];
  readonly now: number;
  readonly buttonsOf?: (alert: Alert) => ReactNode;
}

function List({ alerts, now, buttonsOf }: ListProps) {
  return (
    <ul className="alert-list">
      {alerts.map((alert) => (
        <li key={`${alert.key} ${alert.sinceUnix}`} data-rule={alert.rule}>
          <span className={`severity ${alert.untilUnix === null ? toneOf(alert.level) : "faint"}`}>
            <span className="mark" aria-hidden="true">
              {MARKS[alert.level]}
            </span>
            {SEVERITIES[alert.level]}
          </span>
          <span className="text">
            <span className="primary">{alert.text}</span>
            {alert.isSilenced && <span className="faint"> silenced</span>}
            {!alert.isKnown && <span className="faint"> Its values are unknown now.</span>}
            <span className="labels faint">{labelsText(alert)}</span>
            {buttonsOf?.(alert)}
          </span>
          <span className="since">{timeText(alert, now)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Return the rule, and what tells its rows apart. */
function labelsText({ rule, labels }: Alert): string {
  return [rule, ...Object.entries(labels).map(([name, value]) => `${name} ${value}`)].join(" · ");
}

function timeText({ sinceUnix, untilUnix }: Alert, now: number): string {
  const day = date(sinceUnix) === date(now) ? "" : `${date(sinceUnix)} `;
  const lasted = duration(Math.max(0, Math.round((untilUnix ?? now) - sinceUnix)));
  return untilUnix === null
    ? `since ${day}${clock(sinceUnix)}, ${lasted}`
    : `${day}${clock(sinceUnix)} to ${clock(untilUnix)}, ${lasted}`;
}

const LABELS: Readonly<Record<NotificationState, string>> = {
  on: "Do not notify me",
  off: "Notify me in this browser",
  denied: "This browser does not allow notifications of this page.",
  unavailable: "Notifications require https, or a page of this computer.",
};

function NotifyButton() {
  const { notifications } = usePage();
  const state = useStore(notifications.state, (now) => now);
  if (state === "denied" || state === "unavailable")
    return <span className="faint">{LABELS[state]}</span>;
  return (
    <button
      type="button"
      aria-pressed={state === "on"}
      onClick={() => {
        void notifications.toggle();
      }}
    >
      {LABELS[state]}
    </button>
  );
}
