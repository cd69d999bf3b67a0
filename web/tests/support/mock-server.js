/**
 * Serves the built page and the stream of a mock host, with protocol 1: node tests/support/mock-server.js [port] [twist,…]
 * Twists: psi, heat and swap leave these out; many has 50 disks, interfaces and filesystems; 256 has 256 cores;
 * hardware has a GPU, a UPS, arrays, containers and a failing unit;
 * quiet has no alerts;
 * spikes has short rises of CPU use; longest has the longest name of a host and values that need the most space;
 * hosts-N is a front end with N hosts, and hostile gives some of them names that no host should have.
 * /mock/end/CODE ends every viewer, and each new one, with that close code, until /mock/end/0. /mock/state/NAME/STATE changes the state of a host.
 * SIGUSR1 suspends the samples, SIGUSR2 resumes them.
 */
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";
import { WebSocketServer } from "ws";

import { createFleet } from "./mock-fleet.js";
import { alertsOf, HOST, sampleOf } from "./mock-host.js";
import { containersOf } from "./mock-containers.js";
import { processesOf } from "./mock-processes.js";

const port = Number(process.argv[2] ?? 8751);
const twists = (process.argv[3] ?? "").split(",");
const hostCount = Number(twists.find((twist) => twist.startsWith("hosts-"))?.slice(6) ?? 0);
const fleet =
  hostCount > 0 ? createFleet(hostCount, { hostile: twists.includes("hostile") }) : null;
const root = join(import.meta.dirname, "../../../telemetry_stream/static");
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const stream = `mock-${process.pid}`;
const STORY_NOW = 600;
const LONGEST_NAME = "build-runner-eu-central-1-0123456789abcdef-lab";
const startedAt = Math.floor(Date.now() / 1000);
let silent = false;
process.on("SIGUSR1", () => (silent = true));
process.on("SIGUSR2", () => (silent = false));

const SILENCE = {
  ...{ id: "3f2a91c4", rule: "filesystem_full", severity: "", host: "" },
  ...{ labels: { mountpoint: "/var/lib/postgresql/16/main" }, by: "anna", comment: "new disk" },
  ...{ created_unix: startedAt, until_unix: startedAt + 100_000 },
};
const RECEIVER = {
  ...{ name: "mail", kind: "email", target: "smtp.example:587", state: "failing" },
  ...{ last_error: "smtp.example port 587: connection refused", failing_since_unix: startedAt },
};
const NOTIFICATIONS = {
  "/api/v1/silences": { silences: [SILENCE] },
  "/api/v1/notifications": { receivers: [RECEIVER] },
};

const seqNow = () => Math.floor(Date.now() / 1000) - startedAt + STORY_NOW;
const samples = new Map();
/** Kept for a history, because computing ten minutes again takes longer than sending them. */
const sampleAt = (seq) => {
  const sample = samples.get(seq) ?? {
    ...sampleOf(seq, seq, { twists, start: startedAt - STORY_NOW }),
    stream,
  };
  samples.set(seq, sample);
  samples.delete(seq - 700);
  return sample;
};
const pick = (sample, sections) =>
  sections === null
    ? sample
    : Object.fromEntries(
        Object.entries(sample).filter(([key]) => HEAD.has(key) || sections.includes(key)),
      );
const HEAD = new Set([
  "type",
  "stream",
  "host",
  "seq",
  "time_unix",
  "uptime_seconds",
  "interval_seconds",
  "sources",
]);

/** What the page asks for: the samples of some seconds before a number, without what it does not show. */
function historyOf(query) {
  const before = Number(query.get("before"));
  const since = query.get("stream") === stream ? Number(query.get("since")) : 0;
  const samples = [];
  for (let n = Math.max(1, since + 1, before - Number(query.get("seconds"))); n < before; n += 1) {
    const { sources, ...sample } = sampleAt(n);
    const cores = sample.cpu.cores.map(({ id, usage_percent }) => ({ id, usage_percent }));
    samples.push(named({ ...sample, cpu: { ...sample.cpu, cores } }, query.get("host")));
  }
  return { type: "history", samples };
}
/** The sample as if it came from this host of a front end. */
const named = (sample, id) => (id === null ? sample : { ...sample, host: id });
/** As a front end that samples no host itself: a viewer must name one. */
const isRefused = (query) =>
  fleet !== null && !query.has("hosts") && !fleet.has(query.get("host") ?? "");
/** The answers of a front end; undefined for another path. */
const fleetAnswer = (path, query) => {
  if (path === "/api/v1/hosts") return fleet.report(seqNow());
  if (path === "/api/v1/sparklines")
    return { sparklines: fleet.sparklines(query.get("hosts").split(","), seqNow()) };
  return undefined;
};

/** A page of all processes: there are no others than in the table. */
function processPage(query) {
  const { top, total } = processesOf(seqNow());
  const found = top.filter(({ name }) => name.includes(query.get("filter") ?? ""));
  return { total, matching: found.length, offset: 0, unread: 0, processes: found };
}

const http = createServer((request, response) => {
  const { pathname: path, searchParams } = new URL(request.url, "http://x");
  if (path === "/api/v1/history") {
    if (isRefused(searchParams)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    return response.end(gzipSync(JSON.stringify(historyOf(searchParams))));
  }
  const known = path === "/api/v1/processes" ? processPage(searchParams) : NOTIFICATIONS[path];
  if (known !== undefined) {
    response.writeHead(200, { "content-type": "application/json" });
    return response.end(JSON.stringify(known));
  }
  const answer = fleet === null ? undefined : fleetAnswer(path, searchParams);
  if (answer !== undefined) {
    return response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify(answer));
  }
  if (path.startsWith("/mock/state/")) {
    const [, , , name, state] = path.split("/");
    fleet.set(name, state);
    return response.writeHead(204).end();
  }
  if (path.startsWith("/mock/end/")) {
    closeCode = Number(path.slice("/mock/end/".length));
    if (closeCode !== 0) for (const socket of viewers.keys()) socket.close(closeCode, "test");
    return response.writeHead(204).end();
  }
  const file = join(
    root,
    normalize(path === "/" ? (fleet === null ? "/index.html" : "/front-end.html") : path),
  );
  if (!file.startsWith(root) || !existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, {
    "content-type": TYPES[extname(file)] ?? "application/octet-stream",
    "content-security-policy": "default-src 'self'; img-src 'self' data:; connect-src 'self' ws:",
  });
  createReadStream(file).pipe(response);
});
const viewers = new Map();
let closeCode = 0;
const alertsNow = (seq) => alertsOf(seq, startedAt - STORY_NOW, { twists });
const sendOverview = (send) => send(fleet.overview(seqNow(), Date.now() / 1000));
new WebSocketServer({
  server: http,
  path: "/ws",
  verifyClient: ({ req }) => !isRefused(new URL(req.url, "http://x").searchParams),
}).on("connection", (socket, request) => {
  if (closeCode !== 0) return socket.close(closeCode, "test");
  const query = new URL(request.url, "http://x").searchParams;
  const sections = query.get("sections")?.split(",") ?? null;
  const send = (value) => socket.send(JSON.stringify(value));
  const seq = seqNow();
  if (query.has("hosts")) {
    send(fleet.names());
    sendOverview(send);
    viewers.set(socket, { send: () => sendOverview(send) });
    socket.on("close", () => viewers.delete(socket));
    return;
  }
  const id = query.get("host");
  send({
    type: "hello",
    protocol: 1,
    version: "0.1.0",
    host: {
      ...HOST,
      ...(twists.includes("longest") && { name: LONGEST_NAME }),
      ...(twists.includes("256") && { cores: 256 }),
      ...(id !== null && fleet.hostOf(id)),
    },
    stream,
    interval_seconds: 1,
    seq,
    every: 1,
    sections,
    alerts: alertsNow(seq),
    omitted_alerts: 0,
  });
  const sendSample = (sample) => send(named(pick(sample, sections), id));
  const viewer = {
    send: (sample) =>
      sendSample({
        ...sample,
        ...(sections?.includes("processes") && { processes: processesOf(sample.seq) }),
        ...(sections?.includes("containers") && { containers: containersOf(sample.seq) }),
      }),
  };
  viewer.send(sampleAt(seq)); // a real server has no processes yet then; they are here at once, so that no test waits
  viewers.set(socket, viewer);
  socket.on("close", () => viewers.delete(socket));
});
setInterval(() => {
  if (silent) return;
  const seq = seqNow();
  const sample = sampleAt(seq);
  for (const viewer of viewers.values()) viewer.send(sample);
  const alerts = alertsNow(seq);
  if (fleet !== null || alerts.length === alertsNow(seq - 1).length) return;
  const message = { type: "alerts", host: HOST.id, time_unix: sample.time_unix, alerts };
  for (const socket of viewers.keys())
    socket.send(JSON.stringify({ ...message, omitted_alerts: 0 }));
}, 1000);
http.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}/`));
