// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { Later } from "../../src/shell/later";

afterEach(cleanup);

it("reports a part that could not be loaded, and can be closed", async () => {
  const close = vi.fn();
  const load = () => Promise.reject(new TypeError("Failed to fetch"));
  await act(async () => {
    render(<Later load={load} props={{}} close={close} />);
    await Promise.resolve();
  });
  expect(screen.getByRole("alert").textContent).toContain("could not be loaded");
  screen.getByText("Close").click();
  expect(close).toHaveBeenCalledOnce();
});
