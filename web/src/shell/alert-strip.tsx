/**
 * One line below the header: how many alerts fire, and what the worst ones report. It always has the same height, so that
 * an alert moves nothing. A button opens the list of all.
 */
import { clock } from "../format/time";
import { Mark, toneOf } from "../charts/tone";
import { countsOf, MARKS, SEVERITIES, type Alerts } from "../store/alerts";
import { useShown } from "../store/use-telemetry";
import "./alert-strip.css";

/** On a narrow page, the style sheet hides the last ones. */
const MAX_SHOWN = 3;

export function AlertStrip({ showAlerts }: { showAlerts: () => void }) {
  const alerts = useShown((state) => state.alerts);
  const hasSample = useShown((state) => state.latest !== null);
  return (
    <section className="alert-strip" aria-label="Alerts">
      <button type="button" aria-haspopup="dialog" onClick={showAlerts} data-testid="alerts">
        <b>Alerts</b>
        <Counts alerts={alerts} />
        <kbd aria-hidden="true">w</kbd>
      </button>
      <ul>
        {alerts.firing?.slice(0, MAX_SHOWN).map(({ key, level, text, sinceUnix, isKnown }) => (
          <li key={key} className={toneOf(level)} title={text}>
            <Mark level={level} />
            {text}
            <span className="faint">
              {isKnown ? "" : " unknown now,"} since {clock(sinceUnix, false)}
            </span>
          </li>
        ))}
      </ul>
      {alerts.firing === null && hasSample && <span className="faint">no rules</span>}
    </section>
  );
}

function Counts({ alerts }: { alerts: Alerts }) {
  if (alerts.firing === null) return <span className="faint">–</span>;
  const counts = countsOf(alerts);
  if (counts.length === 0) return <span className="faint">none</span>;
  return counts.map(([level, count]) => (
    <span key={level} className={toneOf(level)}>
      <span aria-hidden="true">{`${MARKS[level]} ${count}`}</span>
      <span className="visually-hidden">{`${count} ${SEVERITIES[level]}`}</span>
    </span>
  ));
}
