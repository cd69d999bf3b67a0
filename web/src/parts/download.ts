/** Files that the page saves. */

/** Return a name such as `ada-cpu-2026-11-28T090703.png`, in UTC, without characters that file systems refuse. */
export function fileName(parts: readonly string[], unixSeconds: number, ending: string): string {
  const time = new Date(unixSeconds * 1000).toISOString().slice(0, 19).replaceAll(":", "");
  const safe = parts.map((part) => part.replaceAll(/[^\p{L}\p{N}._]+/gu, "-"));
  return `${[...safe, time].join("-")}.${ending}`;
}

export function download(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
