/** The vital row: what this host does now, in as many tiles as it has something to say. */
import { usePicture } from "../store/use-telemetry";
import { CpuVital, LoadVital, MemoryVital } from "./vitals-compute";
import { DiskVital, HeatVital, NetworkVital } from "./vitals-devices";

export function Vitals() {
  const sections = usePicture((picture) => picture.sample?.sections ?? null);
  // Before the first sample every tile stands: nothing jumps when it comes.
  const network =
    sections === null || sections.network !== undefined || sections.interfaces !== undefined;
  const disk = sections === null || sections.disk !== undefined || sections.disks !== undefined;
  const heat = sections === null || (sections.temperatures?.length ?? 0) > 0;
  return (
    <section className="six vitals" aria-label="Vital signs">
      <CpuVital />
      <MemoryVital />
      <LoadVital />
      {network && <NetworkVital />}
      {disk && <DiskVital />}
      {heat && <HeatVital />}
    </section>
  );
}
