import { beforeEach, expect, it } from "vitest";

import { logOut } from "../../src/stream/log-out";
import { answer, fakeBrowser, noAnswer } from "../support/fake-browser";

let browser: ReturnType<typeof fakeBrowser>;

beforeEach(() => {
  browser = fakeBrowser();
});

it.each([204, 401])("posts beside the page, and after %s loads it again", async (status) => {
  browser.fetch.mockResolvedValue(answer(status));
  expect(await logOut("http://ada/proxied/?theme=dark", browser)).toBeNull();
  expect(browser.fetch.mock.calls).toEqual([["http://ada/proxied/logout", { method: "POST" }]]);
  expect(browser.reload).toHaveBeenCalledOnce();
});

it.each([
  [
    "the server's words",
    () => Promise.resolve(answer(403, '{"error":"not from here"}')),
    "not from here",
  ],
  ["the status of somebody else", () => Promise.resolve(answer(502, "<h1>")), "HTTP 502"],
  ["that nobody answers", noAnswer, "the server is not reachable"],
])("says %s when it fails, and stays", async (_, fetch, words) => {
  browser.fetch.mockImplementation(fetch);
  expect(await logOut("http://ada/", browser)).toBe(words);
  expect(browser.reload).not.toHaveBeenCalled();
});
