/** What the browser remembers for the next visit. Where it does not allow storage, or it is full, it holds for this page. */

/** What could not be stored. */
const unsaved = new Map<string, string>();

export function maybeRemembered(key: string): string | null {
  try {
    return unsaved.get(key) ?? localStorage.getItem(key);
  } catch {
    return null; // the browser does not allow storage
  }
}

/** `null` forgets it. */
export function remember(key: string, value: string | null): void {
  unsaved.delete(key);
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    if (value !== null) unsaved.set(key, value);
  }
}

const CHARACTER_KEYS = "telemetry-stream-character-keys";

/** Return whether keys of one character act: yes, unless the viewer turned them off. */
export function rememberedCharacterKeys(): boolean {
  return maybeRemembered(CHARACTER_KEYS) !== "off";
}

export function rememberCharacterKeys(on: boolean): void {
  remember(CHARACTER_KEYS, on ? "on" : "off");
}
