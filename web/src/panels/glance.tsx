/** The numbers of now: CPU, memory, connections, and what this viewer missed. */
import { bytes, bytesText, count, percent } from "../format/numbers";
import { useTelemetry } from "../store/use-telemetry";

export function Glance() {
  return (
    <section className="six vitals" aria-label="Vital signs">
      <CpuTile />
      <MemoryTile />
      <ConnectionsTile />
      <MissedTile />
    </section>
  );
}

function CpuTile() {
  const cpu = useTelemetry((state) => state.latest?.sections.cpu ?? null);
  return <Tile name="CPU" value={percent(cpu?.usage_percent)} unit="%" testId="cpu" />;
}

function MemoryTile() {
  const memory = useTelemetry((state) => state.latest?.sections.memory ?? null);
  const used = bytes(memory?.used_bytes);
  return (
    <Tile
      name="Memory"
      aside={`of ${bytesText(memory?.total_bytes)}`}
      value={used.value}
      unit={used.unit}
      testId="memory"
    />
  );
}

function ConnectionsTile() {
  const tcp = useTelemetry((state) => state.latest?.sections.tcp ?? null);
  return (
    <Tile
      name="Connections"
      value={count(tcp?.current_established)}
      unit="TCP"
      testId="connections"
    />
  );
}

function MissedTile() {
  const missed = useTelemetry((state) => state.missed);
  const received = useTelemetry((state) => state.received);
  return (
    <Tile
      name="Missed"
      aside={`of ${count(received + missed)}`}
      value={count(missed)}
      unit=""
      testId="missed"
    />
  );
}

interface TileProps {
  readonly name: string;
  readonly aside?: string;
  readonly value: string;
  readonly unit: string;
  readonly testId: string;
}

function Tile({ name, aside, value, unit, testId }: TileProps) {
  return (
    <div className="vital">
      <div className="top">
        <b>{name}</b>
        <span>{aside}</span>
      </div>
      <div className="num">
        <span>
          <span className="v" data-testid={testId}>
            {value}
          </span>
          <span className="u">{unit}</span>
        </span>
      </div>
    </div>
  );
}
