/** Each supply, counter, meter and fan with its value. */
import { fixed, percentText, UNKNOWN } from "../../format/numbers";
import { duration } from "../../format/time";
import { Facts, Panel, type Fact } from "../../parts/panel";
import { Mark, toneOf } from "../../charts/tone";
import { levelAbout, type Level } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Fan, PowerMeter, RaplZone, Supply } from "../../protocol/sections";

export function PowerPanel() {
  const power = usePicture(({ sample }) => sample?.sections.power);
  const alerts = useShown((state) => state.alerts);
  return (
    <Panel title="Power" explain="power" section="power">
      <Facts
        facts={[
          ...(power?.supplies ?? []).map((one) =>
            supplyFact(one, levelAbout(alerts, "power.supplies", { power_supply: one.name })),
          ),
          ...(power?.rapl ?? []).filter(({ watts }) => watts !== null).map(zoneFact),
          ...(power?.meters ?? []).map(meterFact),
          ...(power?.fans ?? []).map(fanFact),
        ]}
      />
    </Panel>
  );
}

function supplyFact(supply: Supply, level: Level | undefined): Fact {
  const name = supply.scope === "device" ? (supply.model ?? supply.name) : supply.name;
  const text = supply.charge_percent === null ? onlineText(supply.is_online) : batteryText(supply);
  return {
    name,
    explain: "power.supplies[].charge_percent",
    value: (
      <span className={toneOf(level)} title={titleOf(supply)}>
        <Mark level={level} />
        {text}
      </span>
    ),
  };
}

function onlineText(isOnline: boolean | null): string {
  return isOnline === null ? UNKNOWN : isOnline ? "online" : "offline";
}

function batteryText({ charge_percent, status, watts, remaining_seconds }: Supply): string {
  const direction = status === "charging" ? "+" : status === "discharging" ? "−" : "";
  const power = watts === null ? [] : [`${direction}${wattsText(watts)}`];
  const left = remaining_seconds === null ? [] : [duration(remaining_seconds)];
  return [percentText(charge_percent), ...power, ...left].join(" · ");
}

function titleOf({ model, kind, status, health, health_percent, cycles }: Supply): string {
  return [
    model ?? kind,
    status,
    health === null ? null : `health: ${health}`,
    health_percent === null ? null : `${percentText(health_percent)} of the new capacity`,
    cycles === null ? null : `${cycles} cycles`,
  ]
    .filter((part) => part !== null)
    .join(", ");
}

function zoneFact({ name, watts }: RaplZone): Fact {
  return { name, value: wattsText(watts), explain: "power.rapl[].watts" };
}

function meterFact({ chip, label, sensor, watts }: PowerMeter): Fact {
  return {
    name: `${chip} ${label ?? sensor}`,
    value: wattsText(watts),
    explain: "power.meters[].watts",
  };
}

function fanFact({ chip, label, sensor, rpm }: Fan): Fact {
  return {
    name: label ?? `${chip} ${sensor}`,
    value: rpm === null ? UNKNOWN : `${fixed(rpm, 0)} rpm`,
    explain: "power.fans[].rpm",
  };
}

function wattsText(watts: number | null): string {
  return watts === null ? UNKNOWN : `${fixed(watts, watts < 100 ? 1 : 0)} W`;
}
