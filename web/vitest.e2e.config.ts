/** End-to-end tests with a real Chromium and a real server. */
import { availableParallelism } from "node:os";

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["e2e/**/*.e2e.ts"],
    globalSetup: "e2e/build.ts",
    // One more than there are cores, because the tests often wait for a process or for the next second.
    maxWorkers: availableParallelism() + 1,
    // The files of a worker share what they import, because loading Playwright takes a second.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
