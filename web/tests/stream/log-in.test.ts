// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from "vitest";

import { logIn, takeToken } from "../../src/stream/log-in";
import { answer, fakeBrowser, noAnswer, silence } from "../support/fake-browser";

let browser: ReturnType<typeof fakeBrowser>;

beforeEach(() => {
  browser = fakeBrowser();
});

it.each([
  ["/?theme=dark#token=kitchen-1", "kitchen-1", "/?theme=dark"],
  ["/proxied/#x=1&token=a~b", "a~b", "/proxied/"],
  ["/#token=", "", "/"],
  ["/#other", null, "/#other"],
  ["/?token=x", null, "/?token=x"],
])("takes the token out of the address %s", (address, token, rest) => {
  history.replaceState(null, "", address);
  const before = history.length;
  expect(takeToken()).toBe(token);
  expect(location.href).toBe(`${location.origin}${rest}`);
  expect(history.length).toBe(before);
});

it("posts the token in a header, beside the page", async () => {
  browser.fetch.mockResolvedValue(answer(204));
  await logIn("http://ada/proxied/?theme=dark", "kitchen-1", browser);
  const headers = { Authorization: "Bearer kitchen-1" };
  expect(browser.fetch).toHaveBeenCalledExactlyOnceWith(
    "http://ada/proxied/login",
    expect.objectContaining({ method: "POST", headers }),
  );
});

it("gives up a request that is never answered, because the page begins after it", async () => {
  vi.useFakeTimers();
  browser.fetch.mockImplementation(silence);
  const done = vi.fn();
  void logIn("http://ada/", "x", browser).then(done);
  await vi.advanceTimersByTimeAsync(21_000);
  expect(done).toHaveBeenCalledOnce();
  vi.useRealTimers();
});

it.each([
  ["no answer", noAnswer],
  ["a refusal", () => Promise.resolve(answer(401, '{"error":"Invalid token"}'))],
])("ignores %s", async (_, fetch) => {
  browser.fetch.mockImplementation(fetch);
  await expect(logIn("http://ada/", "x", browser)).resolves.toBeUndefined();
});
