/** A name with an explanation: `shell/explain.tsx` shows it after a moment of hover or focus. */

/** Return the attributes of an element that is not a control: with the focus, a keyboard reaches its tooltip as well. */
export function explained(key: string | undefined) {
  return key === undefined ? {} : { "data-explain": key, tabIndex: 0 };
}
