/** Builds the page into the Python package. `vite` serves it with live reload, beside a running server. */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env["TELEMETRY_STREAM_URL"] ?? "http://127.0.0.1:8750";

export default defineConfig({
  // Relative, so that the page works under any prefix of a reverse proxy.
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../telemetry_stream/static",
    emptyOutDir: true,
    // No data: URLs and no inline preload script, because the Content-Security-Policy allows only 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    proxy: {
      "/ws": { target: server, ws: true, changeOrigin: true, rewriteWsOrigin: true },
      "/api": { target: server, changeOrigin: true },
    },
  },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    // The files of a worker share jsdom and the loaded modules, because loading them takes longer than the tests.
    isolate: false,
    // A test takes milliseconds; on a busy machine, starting jsdom and the page takes seconds.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
  },
});
