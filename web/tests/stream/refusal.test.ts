import { beforeEach, describe, expect, it } from "vitest";

import { endOf } from "../../src/protocol/ends";
import { Refusals } from "../../src/stream/refusal";
import { answer, fakeBrowser, noAnswer } from "../support/fake-browser";

const FULL = '{"error":"there are 1000 viewers, which is as many as may be"}';
const BROKEN = endOf(1006);
const SHOWN_OUT = endOf(1008);

let browser: ReturnType<typeof fakeBrowser>;
let refusals: Refusals;

beforeEach(() => {
  browser = fakeBrowser();
  refusals = new Refusals("http://ada/proxied/?theme=dark", browser);
});

const why = (end = BROKEN) => refusals.why(end, new AbortController().signal);

describe("Refusals", () => {
  it("ask beside the page, for something small, and can be called off", async () => {
    const { signal } = new AbortController();
    await refusals.why(BROKEN, signal);
    expect(browser.fetch.mock.calls).toEqual([
      [
        "http://ada/proxied/api/v1/stream?sections=self",
        { signal, cache: "no-store", redirect: "manual" },
      ],
    ]);
  });

  it.each([
    [403, '{"error":"this server is not called \'ada\'"}', /is not called/],
    [429, '{"error":"your address has 5 viewers, which is as many as may be"}', /has 5 viewers/],
    [503, FULL, /there are 1000 viewers/],
  ])("say for %s what the server says, and go on trying", async (status, body, words) => {
    browser.fetch.mockResolvedValue(answer(status, body));
    expect(await why()).toEqual({
      code: status,
      name: "refused",
      why: expect.stringMatching(words) as string,
      retry: true,
    });
    expect(browser.reload).not.toHaveBeenCalled();
  });

  it.each([
    [502, "<h1>Bad gateway</h1>"],
    [503, '{"message":"no"}'],
    [404, "[]"],
  ])("take %s with %s for somebody else's word", async (status, body) => {
    browser.fetch.mockResolvedValue(answer(status, body));
    expect(await why()).toMatchObject({
      name: null,
      why: `something before the server answers HTTP ${status}`,
      retry: true,
    });
  });

  it("say so when nobody answers", async () => {
    expect(await why()).toMatchObject({ name: null, why: "the server is not reachable" });
  });

  it("suspect what lies between only when the server lets in twice in a row", async () => {
    browser.fetch.mockImplementation(() => Promise.resolve(answer(200)));
    expect(await why()).toBe(BROKEN);
    expect(await why()).toMatchObject({ name: "blocked", retry: true });
    refusals.opened();
    expect(await why()).toBe(BROKEN);
    browser.fetch.mockImplementationOnce(noAnswer);
    await why();
    expect(await why()).toBe(BROKEN);
    browser.fetch.mockResolvedValueOnce(answer(503, FULL));
    await why();
    expect(await why()).toBe(BROKEN);
  });
});

describe("a login that does not hold any more", () => {
  it.each([
    ["401", 401],
    ["a proxy's redirect to its own", 303],
  ])("leads to the login page: %s", async (_, status) => {
    browser.fetch.mockResolvedValue(answer(status));
    expect(await why()).toMatchObject({ name: "refused", retry: false });
    expect(browser.reload).toHaveBeenCalledOnce();
  });

  it("does so, too, when the viewer was shown out", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    refusals.opened();
    expect(await why(SHOWN_OUT)).toMatchObject({ retry: false });
    expect(browser.reload).toHaveBeenCalledOnce();
  });

  it("does not reload for ever a page that everybody gets and nobody is let in with", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    browser.reloaded.mockReturnValue(true);
    expect(await why()).toMatchObject({ name: "refused", retry: true });
    expect((await why()).why).toMatch(/wants a token/);
    expect(browser.reload).not.toHaveBeenCalled();
  });

  it("does reload one that came by a reload and was let in since", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    browser.reloaded.mockReturnValue(true);
    refusals.opened();
    await why();
    expect(browser.reload).toHaveBeenCalledOnce();
  });
});

describe("a viewer that was shown out for another reason", () => {
  it.each([[200], [503]])("stays so, though the door answers %s", async (status) => {
    browser.fetch.mockResolvedValue(answer(status, FULL));
    refusals.opened();
    expect(await why(SHOWN_OUT)).toBe(SHOWN_OUT);
  });

  it("stays so when nobody answers", async () => {
    expect(await why(SHOWN_OUT)).toBe(SHOWN_OUT);
  });
});
