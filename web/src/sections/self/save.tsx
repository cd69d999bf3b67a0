/** The buttons that save the window on screen as a file. */
import { download, fileName } from "../../parts/download";
import { useHost } from "../../store/use-telemetry";
import { toCsv, toJson } from "./export";

export function SaveButtons() {
  const { display, telemetry } = useHost();
  const saveAs = (kind: "csv" | "json") => () => {
    const { ring, from, to } = display.get().picture;
    const slice = ring.slice(from, to);
    const host = telemetry.store.get().hello?.host.name ?? "host";
    const text = kind === "csv" ? toCsv(slice, ring.names) : toJson(slice, ring.names, host);
    const file = new Blob([text], { type: "application/octet-stream" });
    download(fileName([host], to, kind), file);
  };
  return (
    <span className="save">
      save
      <button type="button" onClick={saveAs("csv")} title="save the window on screen as CSV">
        CSV
      </button>
      <button type="button" onClick={saveAs("json")} title="save the window on screen as JSON">
        JSON
      </button>
    </span>
  );
}
