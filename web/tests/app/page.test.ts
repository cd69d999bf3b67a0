// @vitest-environment jsdom
import { act, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { answer } from "../support/fake-browser";
import { golden, goldenObject, sampleText } from "../support/frames";
import {
  badge,
  connect,
  installPage,
  lastStream,
  settle,
  streams,
  tables,
  value,
} from "../support/page";

// jsdom has no canvas. The end-to-end tests see the charts.
vi.mock("../../src/charts/chart", () => ({ Chart: () => null }));

const browser = installPage();

/** The requests for the reason of a refusal, and those for samples of the past as their queries. */
const asked = () => browser.fetch.mock.calls.map(([address]) => new URL(address));
const probes = () => asked().filter(({ pathname }) => pathname.endsWith("/stream"));
const histories = () =>
  asked()
    .filter(({ pathname }) => pathname.endsWith("/history"))
    .map(({ searchParams }) => searchParams);

const press = (key: string) => {
  act(() => {
    fireEvent.keyDown(window, { key });
  });
};

it("has every place and no number before the first sample", () => {
  expect(badge()).toBe("connecting");
  expect([value("host"), value("cpu"), value("memory")]).toEqual(["–", "–", "–"]);
});

it("shows host, CPU, memory, connections and missed samples", async () => {
  await connect();
  expect(badge()).toBe("live");
  expect([value("host"), value("cpu"), value("memory"), value("connections")]).toEqual([
    "ada",
    "29",
    "22.1",
    "218",
  ]);
  expect(value("missed")).toBe("0 of 1");
});

it("is late, then lost, during a silence, and connects again by itself", async () => {
  await connect();
  await settle(3000);
  expect(badge()).toBe("late");
  const sockets = streams().length;
  await settle(9000);
  expect(badge()).toBe("lost");
  expect(streams().length).toBeGreaterThan(sockets);
});

it("gives a new connection after a silence as much time as the first one had", async () => {
  await connect();
  const tries = streams().length;
  await settle(9_000);
  expect(streams()).toHaveLength(tries);
  await settle(2_500);
  expect(streams()).toHaveLength(tries + 1);
  await settle(3_000); // the handshake takes longer
  expect(streams()).toHaveLength(tries + 1);
  lastStream().open();
  await settle(8_000); // a long message on a slow network
  expect(streams()).toHaveLength(tries + 1);
  lastStream().receive(sampleText({ seq: 60 }));
  await settle();
  expect(badge()).toBe("live");
});

it("asks for fewer samples while the line cannot carry all of them", async () => {
  await connect();
  const tries = streams().length;
  // Each sample takes three seconds.
  for (let seq = 43; streams().length === tries && seq < 60; seq += 1) {
    lastStream().receive(sampleText({ seq, time_unix: 1_764_000_000 + seq }));
    await settle(3000);
  }
  expect(lastStream().query.get("every")).toBe("2");
  const half = JSON.stringify({ ...goldenObject("hello"), every: 2 });
  await connect(half, sampleText({ seq: 70, time_unix: 1_764_000_070 }));
  expect([badge(), value("next-try")]).toEqual(["live", "slow line: a sample every 2 s"]);
  lastStream().end(1006);
  await settle(1000);
  expect(lastStream().query.get("every")).toBe("2"); // until the server greets it
  await connect(half);
  await settle(5);
  expect(lastStream().query.has("every")).toBe(false);
});

it("resumes after a restart from its newest sample, without a reload", async () => {
  await connect();
  lastStream().end(1006);
  await settle();
  expect(badge()).toBe("lost");
  expect(value("next-try")).toMatch(/next try in 1 s/);
  await settle(1000);
  await connect(golden("hello"), sampleText({ seq: 45, cpu: { usage_percent: 81.2 } }));
  expect([badge(), value("cpu")]).toEqual(["live", "81"]);
  expect(Object.fromEntries(histories().at(-1) ?? [])).toMatchObject({
    since: "42",
    before: "45",
    stream: "5f0c9a3e71d24b86",
  });
  expect(value("missed")).toBe("2 of 4"); // the server has forgotten them
});

it("tries at once when the browser is online again", async () => {
  await connect();
  lastStream().end(1006);
  const before = streams().length;
  window.dispatchEvent(new Event("online"));
  await settle(5);
  expect(streams().length).toBe(before + 1);
});

it("replaces a connection that brings no message within 1.5 s of the browser being online", async () => {
  await connect();
  const before = streams().length;
  window.dispatchEvent(new Event("online"));
  await settle(1000);
  lastStream().receive(sampleText({ seq: 43 }));
  await settle(1000);
  expect(streams()).toHaveLength(before);
  window.dispatchEvent(new Event("online"));
  await settle(1600);
  expect(streams()).toHaveLength(before + 1);
});

it("checks the connection when the tab is shown after a silence, but not after a recent message", async () => {
  await connect();
  const before = streams().length;
  document.dispatchEvent(new Event("visibilitychange"));
  await settle(1600);
  expect(streams()).toHaveLength(before);
  await settle(1000);
  document.dispatchEvent(new Event("visibilitychange"));
  await settle(1600);
  expect(streams()).toHaveLength(before + 1);
});

it("connects again after the laptop slept, together with the process table", async () => {
  await connect();
  const before = [streams().length, tables().length];
  vi.setSystemTime(Date.now() + 300_000);
  await settle(1000);
  expect(badge()).toBe("lost");
  expect(value("freshness")).toMatch(/5 min/);
  expect([streams().length, tables().length]).toEqual([(before[0] ?? 0) + 1, before[1]]);
  expect(tables().at(-1)?.readyState).toBe(3);
  await connect(golden("hello"), sampleText({ seq: 43 }));
  expect([badge(), tables().length]).toEqual(["live", (before[1] ?? 0) + 1]);
});

it("shows the difference of the clocks only while there is one", async () => {
  const differ = () => screen.queryByText(/clocks of host and browser differ/) !== null;
  const receive = async (seq: number, offset: number) => {
    lastStream().receive(sampleText({ seq, time_unix: Date.now() / 1000 + offset }));
    await settle(1000);
  };
  await connect(golden("hello"));
  for (let seq = 1; seq <= 4; seq += 1) await receive(seq, -3600);
  expect(differ()).toBe(true);
  vi.setSystemTime(Date.now() - 3_600_000); // the viewer sets the browser's clock
  await settle(1000);
  await connect(golden("hello"));
  for (let seq = 5; seq <= 8; seq += 1) await receive(seq, 0);
  expect(differ()).toBe(false);
});

it("does not read a server with another protocol, and tries again when asked to", async () => {
  const next = { ...goldenObject("hello"), protocol: 2 };
  await connect(JSON.stringify(next), golden("sample"));
  expect([badge(), value("cpu")]).toEqual(["ended", "–"]);
  expect(value("next-try")).toContain("version 2 of the protocol");
  const before = streams().length;
  await settle(20_000);
  expect(streams()).toHaveLength(before);
  act(() => {
    screen.getByText("reconnect").click();
  });
  await settle(5);
  await connect();
  expect(badge()).toBe("live");
});

it("shows another host that answers at its address, live and with nothing of the one before", async () => {
  await connect();
  tables().at(-1)?.open();
  tables().at(-1)?.receive(golden("sample-processes"));
  await settle();
  press("p");
  await settle();
  expect([badge(), value("process-count")]).toEqual(["paused", "412"]);
  lastStream().end(1006);
  await settle(1000);
  const bob = JSON.stringify({ ...goldenObject("hello"), host: { id: "another", name: "bob" } });
  await connect(bob);
  expect(badge()).toBe("connecting");
  expect(lastStream().query.has("since")).toBe(false);
  const open = [...streams(), ...tables()].filter(({ readyState }) => readyState !== 3);
  expect(open).toEqual([lastStream()]);
  await connect(bob);
  expect([value("host"), value("cpu"), value("process-count")]).toEqual(["bob", "–", "–"]);
  expect(document.title).toBe("bob");
  lastStream().receive(sampleText({ seq: 7 }));
  await settle();
  expect([badge(), value("cpu"), value("missed")]).toEqual(["live", "29", "0 of 1"]);
});

it("offers to reload when the server has another version, and in kiosk mode reloads", async () => {
  const update = JSON.stringify({ ...goldenObject("hello"), version: "9.9" });
  await connect();
  const restart = async () => {
    lastStream().end(1001);
    await settle(1000);
    await connect(update);
  };
  await restart();
  expect(browser.reload).not.toHaveBeenCalled();
  act(() => {
    screen.getByText("reload the page").click();
  });
  expect(browser.reload).toHaveBeenCalledOnce();
  press("k");
  await restart();
  expect(browser.reload).toHaveBeenCalledTimes(2);
});

it("reloads in kiosk mode also when the other version has another protocol", async () => {
  await connect();
  press("k");
  lastStream().end(1001);
  await settle(1000);
  await connect(JSON.stringify({ ...goldenObject("hello"), version: "9.9", protocol: 2 }));
  expect(browser.reload).toHaveBeenCalledOnce();
});

it("shows the server's reason and stops trying when it is not allowed", async () => {
  await connect();
  lastStream().end(1008);
  await settle(20_000);
  expect(badge()).toBe("ended");
  expect(value("freshness")).toContain("not allowed");
  expect(screen.getByRole("alert").textContent).toContain("ended");
  const before = streams().length;
  act(() => {
    screen.getByText("reconnect").click();
  });
  await settle(5);
  expect(streams().length).toBe(before + 1);
});

it("shows the server's reason while it is refused, and connects when the server accepts it", async () => {
  const error = '{"error":"too many viewers"}';
  browser.fetch.mockImplementation(() => Promise.resolve(answer(503, error)));
  lastStream().end(1006);
  await settle();
  expect(badge()).toBe("refused");
  expect(value("next-try")).toContain("too many viewers · next try in 1 s");
  expect(screen.getByRole("alert").textContent).toBe("connection refused: too many viewers");
  expect(document.title).toMatch(/^\(refused\)/);
  await settle(600);
  await connect();
  expect(badge()).toBe("live");
  expect(probes()).toHaveLength(1);
});

it("loads the login page when its token is revoked", async () => {
  await connect();
  browser.fetch.mockResolvedValue(answer(401));
  lastStream().end(1008);
  for (const table of tables()) table.end(1008);
  await settle(20_000);
  expect(browser.reload).toHaveBeenCalledOnce();
  expect(probes()).toHaveLength(1);
  expect(streams()).toHaveLength(1);
});

it("draws nothing while the tab is hidden, and everything when it is shown again", async () => {
  await connect();
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  lastStream().receive(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle(2000);
  expect(value("cpu")).toBe("29");
  visibility.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  expect(value("cpu")).toBe("81");
});

it("shows in the title of a hidden tab that the connection is lost, and that it is back", async () => {
  await connect();
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  lastStream().end(1006);
  await settle();
  expect(document.title).toBe("(lost) ada");
  await settle(1000);
  await connect(golden("hello"), sampleText({ seq: 43 }));
  expect(document.title).not.toContain("lost");
  await settle(12_000); // a silence, which only the clock can notice
  expect(document.title).toBe("(lost) ada");
});

it("pauses with p, counts the samples that wait, and returns to live with l", async () => {
  await connect();
  press("p");
  lastStream().receive(sampleText({ seq: 43, cpu: { usage_percent: 81.2 } }));
  await settle();
  expect([badge(), value("cpu")]).toEqual(["paused", "29"]);
  expect(value("next-try")).toBe("1 waiting");
  press("l");
  await settle();
  expect([badge(), value("cpu")]).toEqual(["live", "81"]);
});

it("shows which section failed, and keeps the others", async () => {
  const { memory: _, ...rest } = goldenObject("sample");
  const sources = { memory: { state: "failed", took_seconds: 0, reason: "no MemTotal" } };
  await connect(golden("hello"), JSON.stringify({ ...rest, sources }));
  expect([value("cpu"), value("memory")]).toEqual(["29", "–"]);
  const memory = document.querySelector("[data-focus=memory]");
  expect(memory?.querySelector(".aside")?.textContent).toContain("failed");
  expect(memory?.querySelector(".details")?.textContent).toBe("no MemTotal");
  expect(memory?.querySelector(".details [title='no MemTotal']")).not.toBeNull();
});

it("asks for one sample per second of a faster stream", async () => {
  const fast = { ...goldenObject("hello"), interval_seconds: 0.1 };
  await connect(JSON.stringify(fast));
  await settle(5);
  expect(lastStream().query.get("every")).toBe("10");
  await connect(
    JSON.stringify({ ...fast, every: 10 }),
    sampleText({ seq: 50 }),
    sampleText({ seq: 60, time_unix: 1_764_000_044, uptime_seconds: 3_564_764 }),
  );
  expect([badge(), value("missed")]).toEqual(["live", "0 of 2"]);
});

describe("the past", () => {
  const history = (...seqs: readonly number[]) => {
    const samples = seqs.map((seq) => ({
      ...goldenObject("sample"),
      seq,
      time_unix: 1_764_000_000.125 + seq,
      uptime_seconds: 3_564_720.5 + seq,
    }));
    return answer(200, JSON.stringify({ type: "history", samples }));
  };
  const points = () =>
    document.querySelector("[data-focus=cpu] .spark path")?.getAttribute("d")?.match(/[ML]/g)
      ?.length ?? 0;

  it("is loaded once the page is live, and shown at once", async () => {
    browser.fetch.mockResolvedValueOnce(history(38, 39, 40, 41));
    lastStream().open();
    lastStream().receive(golden("hello"));
    await settle(1000);
    expect(histories()).toEqual([]);
    lastStream().receive(golden("sample"));
    await settle(50);
    expect(histories()[0]?.get("before")).toBe("42");
    expect(points()).toBe(5);
    expect([badge(), value("missed")]).toEqual(["live", "0 of 1"]);
  });

  it("goes on when a proxy refuses the past once, although the stream is accepted", async () => {
    browser.fetch.mockResolvedValueOnce(answer(401)).mockResolvedValueOnce(answer(200));
    browser.fetch.mockResolvedValueOnce(history(38, 39, 40, 41));
    await connect();
    await settle(5000);
    expect([points(), probes().length, browser.reload.mock.calls.length]).toEqual([5, 1, 0]);
  });

  it("shows the login when the stream requires one, too, although it is open", async () => {
    browser.fetch.mockResolvedValue(answer(401));
    await connect();
    expect([badge(), browser.reload.mock.calls.length]).toEqual(["live", 1]);
  });

  it("is explained while it takes long or fails, and stays as it is while paused", async () => {
    let respond: (value: Response) => void = () => undefined;
    browser.fetch.mockImplementationOnce(() => new Promise((resolve) => (respond = resolve)));
    await connect();
    expect(screen.queryByTestId("next-try")).toBeNull();
    for (let seq = 43; seq < 47; seq += 1) {
      lastStream().receive(sampleText({ seq, time_unix: 1_764_000_000 + seq }));
      await settle(1000);
    }
    expect([badge(), value("next-try")]).toEqual(["live", "loading older samples"]);
    browser.fetch.mockResolvedValueOnce(answer(503, '{"error":"too much"}'));
    respond(history(40, 41));
    await settle(50);
    expect(value("next-try")).toContain(
      "older samples are not loaded · too much · next try in 1 s",
    );
    expect(points()).toBe(7);
    press("p");
    await settle(3000);
    expect(points()).toBe(7);
    expect(value("next-try")).toContain("waiting");
  });

  describe("while it arrives slowly", () => {
    let writer: WritableStreamDefaultWriter<Uint8Array>;
    const receiveBytes = async (seconds: number) => {
      for (let half = 0; half < 2 * seconds; half += 1) {
        void writer.write(new TextEncoder().encode(" "));
        await settle(500);
      }
    };
    beforeEach(async () => {
      const bytes = new TransformStream<Uint8Array, Uint8Array>();
      writer = bytes.writable.getWriter();
      browser.fetch.mockResolvedValueOnce(new Response(bytes.readable));
      await connect();
    });
    afterEach(async () => {
      void writer.close();
      await settle();
    });

    it("gives the connection more time, but not forever, and shows what happens", async () => {
      await receiveBytes(25);
      expect([streams().length, badge()]).toEqual([1, "lost"]);
      expect(value("next-try")).toContain("connected, but no sample arrives · loading older");
      await receiveBytes(7);
      expect(streams()).toHaveLength(2);
    });

    it("gives it no more time once bytes do not arrive, either", async () => {
      await receiveBytes(8);
      await settle(9000);
      expect(streams()).toHaveLength(1);
      await settle(3000);
      expect(streams()).toHaveLength(2);
    });

    it("takes only a message as a proof that the connection works", async () => {
      window.dispatchEvent(new Event("online"));
      await receiveBytes(2);
      expect(streams()).toHaveLength(2);
    });
  });

  it("is not loaded for another host that has taken the address", async () => {
    let respond: (value: Response) => void = () => undefined;
    browser.fetch.mockImplementationOnce(() => new Promise((resolve) => (respond = resolve)));
    await connect();
    lastStream().end(1006);
    await settle(1000);
    const bob = { ...goldenObject("hello"), host: { id: "another", name: "bob" } };
    await connect(JSON.stringify(bob)); // the page opens a connection of its own for this host
    await connect(JSON.stringify(bob), sampleText({ host: "another", seq: 3 }));
    respond(history(38, 39));
    await settle(20);
    expect(histories().at(-1)?.get("before")).toBe("3");
    expect([value("host"), points()]).toEqual(["bob", 1]);
  });
});
