/** Deletes the browser's login cookie and loads the page again, which then is the login page. */
import { maybeErrorText, type Browser } from "./refusal";

/** Resolve to null, or to the reason why it failed. The address is beside the page, also behind a proxy's prefix. */
export async function logOut(pageAddress: string, browser: Browser): Promise<string | null> {
  let answer: Response;
  try {
    answer = await browser.fetch(new URL("logout", pageAddress).href, { method: "POST" });
  } catch {
    return "the server is not reachable"; // a browser gives no better reason
  }
  // 401: the login was not valid any more.
  if (!answer.ok && answer.status !== 401)
    return (await maybeErrorText(answer)) ?? `HTTP ${answer.status}`;
  browser.reload();
  return null;
}
