/** Telemetry on clocks that the test sets, with the columns of the page's sections. */
import { columnsOf } from "../../src/sections";
import { createClock } from "../../src/store/clock";
import { createTelemetry, type Telemetry } from "../../src/store/telemetry";
import { hello } from "./frames";

/** Connected, with the golden hello; without samples. */
export function connectedTelemetry(
  changes: Record<string, unknown> = {},
  nowMs: () => number = () => 0,
): Telemetry {
  const telemetry = newTelemetry(nowMs);
  telemetry.opened();
  telemetry.frame({ type: "hello", hello: hello(changes) });
  return telemetry;
}

export function newTelemetry(nowMs: () => number = () => 0): Telemetry {
  const clock = createClock({ monotonicMs: nowMs, wallMs: nowMs });
  return createTelemetry(clock, columnsOf);
}
