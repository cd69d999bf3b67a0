/** Has the browser forget its login, and loads the page again, which then is the login page. */
import { maybeWords, type Browser } from "./refusal";

/** Null when it is done, else why it is not. Beside the page, whatever prefix a proxy has put before both. */
export async function logOut(pageAddress: string, browser: Browser): Promise<string | null> {
  let answer: Response;
  try {
    answer = await browser.fetch(new URL("logout", pageAddress).href, { method: "POST" });
  } catch {
    return "the server is not reachable"; // a browser does not say more of it
  }
  // 401: the login did not hold any more anyhow.
  if (!answer.ok && answer.status !== 401)
    return (await maybeWords(answer)) ?? `HTTP ${answer.status}`;
  browser.reload();
  return null;
}
