/** The receivers of the server's notifications that fail now, so that what fires is not reported there. */
import { useEffect, useState } from "react";

import { clock } from "../format/time";
import { field, list, maybe, number, object, record, text, type Infer } from "../protocol/shape";
import { usePage, useShown } from "../store/use-telemetry";
import { dayOf } from "./silences";

const receiver = record({
  name: text,
  state: text,
  last_error: maybe(text),
  failing_since_unix: maybe(number),
});
type Receiver = Infer<typeof receiver>;

/**
 * Return the receivers that fail, none until they are known. They are requested if the server `hasReceivers`, and again
 * with each message of alerts.
 */
export function useFailing(hasReceivers: boolean): readonly Receiver[] {
  const { request } = usePage();
  const alerts = useShown((state) => state.alerts);
  const [failing, setFailing] = useState<readonly Receiver[]>([]);
  useEffect(() => {
    if (!hasReceivers) return undefined;
    const controller = new AbortController();
    request("api/v1/notifications", controller.signal)
      .then((answer) => field(object(answer), "receivers", list(receiver)))
      .then(
        (all) => {
          setFailing(all.filter(({ state }) => state === "failing"));
        },
        () => undefined, // what was known stays
      );
    return () => {
      controller.abort();
    };
  }, [request, hasReceivers, alerts]);
  return failing;
}

export function FailingList({ receivers }: { receivers: readonly Receiver[] }) {
  return (
    <ul className="alert-list">
      {receivers.map(({ name, last_error, failing_since_unix: since }) => (
        <li key={name} data-receiver={name}>
          <span className="warn">{name}</span>
          <span className="text">{last_error}</span>
          <span className="since">{since !== null && `since ${dayOf(since)}${clock(since)}`}</span>
        </li>
      ))}
    </ul>
  );
}
