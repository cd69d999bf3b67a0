import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { endOf, RequestError } from "../../src/protocol/ends";
import { RefusalProbe, requestJson, retryAfterOf } from "../../src/stream/refusal";
import { answer, fakeBrowser, noAnswer, silence } from "../support/fake-browser";

const ERROR = '{"error":"the reason of the server"}';
const INTERRUPTED = endOf(1006);
const NOT_ALLOWED = endOf(1008);

let browser: ReturnType<typeof fakeBrowser>;
let probe: RefusalProbe;

beforeEach(() => {
  browser = fakeBrowser();
  probe = new RefusalProbe("http://ada/proxied/?theme=dark", browser);
});

const diagnose = (end = INTERRUPTED) => probe.diagnose(end, new AbortController().signal);

describe("a connection that was not accepted", () => {
  it("is diagnosed by a request beside the page, for a small section, which can be aborted", async () => {
    const { signal } = new AbortController();
    await probe.diagnose(INTERRUPTED, signal);
    expect(browser.fetch.mock.calls).toEqual([
      [
        "http://ada/proxied/api/v1/stream?sections=self",
        { signal, cache: "no-store", redirect: "manual" },
      ],
    ]);
  });

  it.each([403, 429, 503])("has the server's reason for %s, and tries again", async (status) => {
    browser.fetch.mockResolvedValue(answer(status, ERROR));
    expect(await diagnose()).toEqual({
      code: status,
      name: "refused",
      reason: "the reason of the server",
      retry: true,
    });
    expect(browser.reload).not.toHaveBeenCalled();
  });

  it("has the server's Retry-After, also when a proxy sent it", async () => {
    browser.fetch.mockResolvedValueOnce(answer(429, ERROR, { "Retry-After": "30" }));
    expect(await diagnose()).toMatchObject({ name: "refused", retryAfterSeconds: 30 });
    browser.fetch.mockResolvedValueOnce(answer(502, "<h1>", { "Retry-After": "5" }));
    expect(await diagnose()).toMatchObject({ name: null, retryAfterSeconds: 5 });
  });

  it.each([
    ["120", 120],
    ["0", 0],
    ["86400", 300],
    ["-5", 0],
    ["Wed, 21 Oct 2015 07:28:10 GMT", 10],
    ["Wed, 21 Oct 2015 07:27:00 GMT", 0],
    ["soon", 0],
    [null, 0],
  ])("reads the Retry-After %s as %s s", (header, seconds) => {
    expect(retryAfterOf(header, Date.parse("2015-10-21T07:28:00Z"))).toBe(seconds);
  });

  it.each([
    [502, "<h1>Bad gateway</h1>"],
    [503, '{"message":"no"}'],
    [404, "[]"],
  ])("names the status %s of another program that answers %s", async (status, body) => {
    browser.fetch.mockResolvedValue(answer(status, body));
    const end = await diagnose();
    expect(end).toMatchObject({ name: null, retry: true });
    expect(end.reason).toContain(`HTTP ${status}`);
  });

  it("is unreachable without an answer", async () => {
    expect(await diagnose()).toMatchObject({ name: null, reason: "the server is not reachable" });
  });

  it("is blocked by a proxy only when the server accepts two requests in a row", async () => {
    browser.fetch.mockImplementation(() => Promise.resolve(answer(200)));
    expect(await diagnose()).toBe(INTERRUPTED);
    expect(await diagnose()).toMatchObject({ name: "blocked", retry: true });
    probe.opened();
    expect(await diagnose()).toBe(INTERRUPTED);
    browser.fetch.mockImplementationOnce(noAnswer);
    await diagnose();
    expect(await diagnose()).toBe(INTERRUPTED);
    browser.fetch.mockResolvedValueOnce(answer(503, ERROR));
    await diagnose();
    expect(await diagnose()).toBe(INTERRUPTED);
  });
});

describe("a login that is not valid any more", () => {
  it.each([
    ["401", 401],
    ["the redirect of a proxy", 303],
  ])("reloads the page after %s", async (_, status) => {
    browser.fetch.mockResolvedValue(answer(status));
    expect(await diagnose()).toMatchObject({ name: "refused", retry: false });
    expect(browser.reload).toHaveBeenCalledOnce();
  });

  it("reloads the page after an end that forbids another try", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    probe.opened();
    expect(await diagnose(NOT_ALLOWED)).toMatchObject({ retry: false });
    expect(browser.reload).toHaveBeenCalledOnce();
  });

  it("does not reload again and again a page that was reloaded and never accepted", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    browser.reloaded.mockReturnValue(true);
    expect(await diagnose()).toMatchObject({ name: "refused", retry: true });
    expect((await diagnose()).reason).toMatch(/token/);
    expect(browser.reload).not.toHaveBeenCalled();
  });

  it("reloads a page that was reloaded and has been accepted since", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    browser.reloaded.mockReturnValue(true);
    probe.opened();
    await diagnose();
    expect(browser.reload).toHaveBeenCalledOnce();
  });
});

describe("an end that forbids another try", () => {
  it.each([[200], [503]])("stays when the server answers %s", async (status) => {
    browser.fetch.mockResolvedValue(answer(status, ERROR));
    probe.opened();
    expect(await diagnose(NOT_ALLOWED)).toBe(NOT_ALLOWED);
  });

  it("stays without an answer", async () => {
    expect(await diagnose(NOT_ALLOWED)).toBe(NOT_ALLOWED);
  });
});

describe("a request of an open page that requires a login", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("shows the login if the stream requires it too, also on a page that was reloaded", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    browser.reloaded.mockReturnValue(true);
    await probe.checkLogin();
    expect(browser.reload).toHaveBeenCalledOnce();
  });

  it("changes nothing if the stream is accepted, and gives its slot back", async () => {
    browser.fetch.mockResolvedValue(answer(200));
    await probe.checkLogin();
    expect(browser.reload).not.toHaveBeenCalled();
    expect(browser.fetch.mock.calls[0]?.[1].signal?.aborted).toBe(true);
  });
});

describe("a request beside the stream", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
  const request = (signal = new AbortController().signal) =>
    requestJson("http://ada/api/v1/x", browser, signal);
  /** Resolves to the reason. */
  const failing = async (asked: Promise<unknown>) => {
    const error = await asked.then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof RequestError)) throw new Error("it did not fail");
    return error;
  };

  it("is given up after 20 s without an answer, also in a browser without AbortSignal.any", async () => {
    vi.spyOn(AbortSignal, "any").mockImplementation(() => {
      throw new TypeError("AbortSignal.any is not a function");
    });
    browser.fetch.mockImplementation(silence);
    const failed = vi.fn();
    request().catch(failed);
    await vi.advanceTimersByTimeAsync(19_000);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2000);
    expect(failed).toHaveBeenCalledExactlyOnceWith(new RequestError("the server is not reachable"));
  });

  it("is given up when it was aborted before", async () => {
    browser.fetch.mockImplementation(silence);
    expect((await failing(request(AbortSignal.abort()))).message).toBe(
      "the server is not reachable",
    );
  });

  it("fails with the server's reason and Retry-After, or with that of a proxy", async () => {
    browser.fetch.mockResolvedValue(answer(503, ERROR, { "Retry-After": "7" }));
    const busy = await failing(request());
    expect([busy.message, busy.retryAfterSeconds, busy.requiresLogin]).toEqual([
      "the reason of the server",
      7,
      false,
    ]);
    browser.fetch.mockResolvedValue(answer(303));
    const proxy = await failing(request());
    expect([proxy.message, proxy.requiresLogin]).toEqual(["a proxy requires a login", true]);
  });
});
