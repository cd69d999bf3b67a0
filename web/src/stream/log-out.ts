/** Deletes the browser's login cookie and loads the page again, which then is the login page. */
import { RequestError } from "../protocol/ends";
import { requestText, type Browser } from "./refusal";

/** Resolve to null, or to the reason why it failed. The address is beside the page, also behind a proxy's prefix. */
export async function logOut(pageAddress: string, browser: Browser): Promise<string | null> {
  try {
    const address = new URL("logout", pageAddress).href;
    await requestText(address, browser, new AbortController().signal, { method: "POST" });
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    // Otherwise the login was not valid any more.
    if (!error.requiresLogin) return error.message;
  }
  browser.reload();
  return null;
}
