/** Choices that the browser remembers for the next visit. Where it does not allow storage, they hold for this page. */
export function maybeRemembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // the browser does not allow storage
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The browser does not allow storage, or it is full.
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
