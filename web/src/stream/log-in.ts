/**
 * Logging in with a link: its token is behind "#", which browsers send to no server and to no proxy. The login page of
 * the server does the same by itself; this is for a browser that is logged in already, or needs no login.
 */
import { requestText, type Browser } from "./refusal";

/** Return the token in the address, or null. It is removed from the address, so that it stays in no history. */
export function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

/**
 * Exchange the token for a cookie; the page begins after that. A token that is not accepted changes nothing: the present
 * login stays.
 */
export async function logIn(pageAddress: string, token: string, browser: Browser): Promise<void> {
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const address = new URL("login", pageAddress).href;
    await requestText(address, browser, new AbortController().signal, { method: "POST", headers });
  } catch {
    // Not reachable, or not a token: the page connects with what it has, and shows why it cannot.
  }
}
