/** Builds the page into the Python package. `vite` serves it with live reload, beside a running server. */
import react from "@vitejs/plugin-react";
import { readFileSync } from "node:fs";

import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env["TELEMETRY_STREAM_URL"] ?? "http://127.0.0.1:8750";

/** What both pages load first: the beginning, and the parts that overview and dashboard share. */
const SHARED =
  /\/src\/(app\/(begin|create-page|styles\/index)|shell\/(find-button|later|use-keys)|parts\/(boundary|layout|loaded|logged-in))\.(tsx?|css)$/;

/** The rows of the process table and the panels that most hosts have, which the page loads once it is drawn. */
const PANELS =
  /\/src\/sections\/(processes\/rows|network\/(interfaces|tcp)|(cgroup|disk|filesystems|self|temperatures)\/panel)\.tsx$/;

/**
 * Puts the order of the layers into every style sheet. The first sheet that a browser loads decides the order, and with
 * parts of the page that are loaded later, this is not always the one with the statement.
 */
const layerOrder: Plugin = {
  name: "layer-order",
  generateBundle(_, files) {
    const styles = readFileSync("src/app/styles/index.css", "utf8");
    const [order] = /^@layer [^{]*?;/m.exec(styles) ?? [];
    if (order === undefined) throw new Error("styles/index.css has no order of the layers");
    for (const file of Object.values(files)) {
      if (file.type === "asset" && file.fileName.endsWith(".css"))
        file.source = `${order}\n${file.source.toString()}`;
    }
  },
};

export default defineConfig({
  // Relative, so that the page works under any prefix of a reverse proxy.
  base: "./",
  plugins: [react(), layerOrder],
  build: {
    outDir: "../telemetry_stream/static",
    emptyOutDir: true,
    // No data: URLs and no inline preload script, because the Content-Security-Policy allows only 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    // A front end serves the second one as its page.
    rolldownOptions: {
      input: ["index.html", "front-end.html"],
      // What both pages load first is one file, and the rest of the dashboard another one, because each file is compressed
      // alone: split into what several parts share, they would be 4 % larger. The overview is a fifth smaller without
      // the dashboard.
      output: {
        codeSplitting: {
          groups: [
            { name: "page", test: SHARED, priority: 2 },
            { name: "dashboard", test: /\/src\/app\/dashboard\.tsx$/, priority: 1 },
            { name: "panels", test: PANELS },
          ],
        },
      },
    },
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
