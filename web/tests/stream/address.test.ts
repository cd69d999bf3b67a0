import { expect, it } from "vitest";

import { streamAddress } from "../../src/stream/address";

it.each([
  ["http://127.0.0.1:8750/", "ws://127.0.0.1:8750/ws"],
  ["https://hosts.example/ada/?kiosk=1#x", "wss://hosts.example/ada/ws"],
  ["https://hosts.example/ada/index.html", "wss://hosts.example/ada/ws"],
])("has the stream of the page %s beside it", (page, stream) => {
  expect(streamAddress(page, {})).toBe(stream);
});

it("asks for sections, and for every second sample", () => {
  const address = streamAddress("http://h/", { sections: ["processes"], every: 2 });
  expect(address).toBe("ws://h/ws?every=2&sections=processes");
});
