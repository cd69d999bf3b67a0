/** Disks: busy, read, written; the layers above them (md, dm) below, quieter. */
import { bytesShort, fixed, percentText, UNKNOWN } from "../format/numbers";
import { waitOf } from "../store/thresholds";
import { usePicture, useTelemetry } from "../store/use-telemetry";
import { Drawer, useDrawer } from "./drawer";
import { SourceWord, useHas } from "./panel";
import { Columns, TableHead } from "./table-head";
import { isPhysical } from "./vitals-devices";

export function Disks() {
  const has = useHas("disks");
  const rows = usePicture((picture) => picture.sample?.sections.disks);
  const source = usePicture((picture) => picture.sample?.sources["disks"] ?? null);
  const alerts = useTelemetry((state) => state.alerts);
  const drawer = useDrawer();
  if (!has) return null;
  const sorted = [...(rows ?? [])].sort(
    (one, other) => Number(isPhysical(other)) - Number(isPhysical(one)),
  );
  return (
    <section className="panel disks" aria-label="Disks">
      <table>
        <Columns of={["name", "busy", "rate", "rate2"]} />
        <TableHead
          title="Disks"
          explain="disks"
          columns={["busy", "read", "written"]}
          word={<SourceWord source={source} />}
        />
        <tbody>
          {sorted.map((disk) => {
            const slow = alerts.get(`wait:${disk.name}`);
            const quiet = isPhysical(disk) ? "" : "f";
            const wait = waitOf(disk);
            return [
              <tr key={disk.name} className={quiet} data-row={disk.name}>
                <th scope="row" className={quiet === "" ? "k" : "f"}>
                  <button
                    type="button"
                    aria-expanded={drawer.isOpen(disk.name)}
                    onClick={drawer.toggle(disk.name)}
                  >
                    {slow && <span className="mark w">▲</span>}
                    {disk.name}
                  </button>
                </th>
                <td className="r">{percentText(disk.util_percent)}</td>
                <td className="r">{bytesShort(disk.read_bytes_per_second)}</td>
                <td className="r">{bytesShort(disk.write_bytes_per_second)}</td>
              </tr>,
              drawer.isOpen(disk.name) && (
                <Drawer
                  key={`${disk.name}-drawer`}
                  span={4}
                  facts={[
                    ["wait", wait === null ? UNKNOWN : `${fixed(wait, 1)} ms`],
                    ["queue", fixed(disk.queue_depth, 2)],
                    ["reads", `${fixed(disk.reads_per_second, 0)} /s`],
                    ["writes", `${fixed(disk.writes_per_second, 0)} /s`],
                  ]}
                />
              ),
            ];
          })}
        </tbody>
      </table>
      {rows?.length === 0 && <p className="f">no disk</p>}
      {source?.state === "failed" && <p className="why">{source.reason}</p>}
    </section>
  );
}
