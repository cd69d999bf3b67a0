import { beforeEach, expect, it } from "vitest";

import { logOut } from "../../src/stream/log-out";
import { answer, fakeBrowser, noAnswer } from "../support/fake-browser";

let browser: ReturnType<typeof fakeBrowser>;

beforeEach(() => {
  browser = fakeBrowser();
});

it.each([204, 401])("posts beside the page, and reloads it after %s", async (status) => {
  browser.fetch.mockResolvedValue(answer(status));
  expect(await logOut("http://ada/proxied/?theme=dark", browser)).toBeNull();
  expect(browser.fetch).toHaveBeenCalledExactlyOnceWith(
    "http://ada/proxied/logout",
    expect.objectContaining({ method: "POST" }),
  );
  expect(browser.reload).toHaveBeenCalledOnce();
});

it.each([
  [
    "the server's error",
    () => Promise.resolve(answer(403, '{"error":"not from here"}')),
    "not from here",
  ],
  ["the status of another program", () => Promise.resolve(answer(502, "<h1>")), "HTTP 502"],
  ["that there is no answer", noAnswer, "the server is not reachable"],
])("returns %s when it fails, and does not reload", async (_, fetch, reason) => {
  browser.fetch.mockImplementation(fetch);
  expect(await logOut("http://ada/", browser)).toBe(reason);
  expect(browser.reload).not.toHaveBeenCalled();
});
