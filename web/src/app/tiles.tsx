/** The row of tiles: one for each vital that this host has. */
import { Boundary } from "../parts/boundary";
import { FailedTile } from "../parts/tile";
import { isOnHost, VITALS } from "../sections";
import { usePicture } from "../store/use-telemetry";
import "./tiles.css";

export function Tiles() {
  const sample = usePicture((picture) => picture.sample);
  return (
    <section className="columns tiles" aria-label="Vital signs">
      {VITALS.filter((vital) => isOnHost(vital, sample)).map(({ focus, label, Tile }) => (
        <Boundary key={focus} fallback={(reason) => <FailedTile name={label} reason={reason} />}>
          <Tile />
        </Boundary>
      ))}
    </section>
  );
}
