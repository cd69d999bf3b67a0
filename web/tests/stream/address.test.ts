import { expect, it } from "vitest";

import { streamAddress } from "../../src/stream/address";

it.each([
  ["http://127.0.0.1:8750/", "ws://127.0.0.1:8750/ws"],
  ["https://hosts.example/ada/?kiosk=1#x", "wss://hosts.example/ada/ws"],
  ["https://hosts.example/ada/index.html", "wss://hosts.example/ada/ws"],
])("has the stream of the page %s beside it", (page, stream) => {
  expect(streamAddress(page, {})).toBe(stream);
});

it("asks for history, for sections, and for the samples after the newest one", () => {
  const address = streamAddress("http://h/", {
    sections: ["processes"],
    every: 2,
    historySeconds: 600,
    since: { seq: 41, stream: "5f0c" },
  });
  expect(address).toBe("ws://h/ws?every=2&sections=processes&history=600&since=41&stream=5f0c");
});
