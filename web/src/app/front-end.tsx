/**
 * The first code that runs on the page of a front end. It requests the hosts: with several of them, or none yet, the page
 * begins with the overview, unless its address names a host. With a single one, it is the page of that host, from its first
 * answer on.
 */
import "./styles/index.css";
import {
  choicesFromQuery,
  createOverview,
  maybeHosts,
  Overview,
  type HostsReport,
  type Reading,
} from "../overview";
import { createStore } from "../store/create-store";
import { BROWSER } from "../stream/refusal";
import { initialView, logInThen, logInWhenLinked, mount } from "./begin";
import { createPage, type RunningPage } from "./create-page";
import { hostInAddress } from "./host-address";
import { LaterDashboard, loadDashboardWhenIdle } from "./later-dashboard";

/** The overview connects anyway. Its own tries have no such limit. */
const FIRST_MS = 4000;
/** How often the page of a single host looks whether it has become several. */
const AGAIN_MS = 30_000;

async function begin(): Promise<void> {
  const address = document.baseURI;
  const report = await maybeHosts(address, BROWSER, AbortSignal.timeout(FIRST_MS));
  const single = report?.hosts.length === 1 ? report.hosts[0] : undefined;
  if (single && hasAnswered(report?.readings)) beginWithHost(address, single.id);
  else beginWithOverview(address, report);
  loadDashboardWhenIdle();
}

/** Whatever host the address names: of another one, this page would have no way back. */
function beginWithHost(address: string, id: string): void {
  show(createPage(address, initialView(), {}, { overview: null, first: id }));
  setInterval(() => void reloadIfSeveral(address), AGAIN_MS);
}

function beginWithOverview(address: string, report: HostsReport | null): void {
  const choices = createStore(choicesFromQuery(location.search));
  const page = createPage(
    address,
    initialView(),
    {},
    {
      overview: (around) => createOverview(address, choices, report, around),
      first: hostInAddress(),
    },
  );
  const end = show(page);
  const state = page.overview?.state;
  // It is the page of a single host once this has answered, also where the first request took too long.
  const leave = state?.subscribe(() => {
    const { rows } = state.get();
    const [first] = rows;
    if (first === undefined || (rows.length === 1 && !hasAnswered(rows))) return;
    leave?.();
    if (rows.length > 1) return;
    queueMicrotask(() => {
      end(); // not while the overview handles its message
      beginWithHost(address, first.host.id);
    });
  });
}

/** Returns the function that ends the page. */
function show(page: RunningPage): () => void {
  const stop = page.start();
  const root = mount({ page, Dashboard: LaterDashboard, Overview });
  return () => {
    root.unmount();
    stop();
  };
}

/** At the start of a front end, or while its broker is down, it has its own host only. */
async function reloadIfSeveral(address: string): Promise<void> {
  const report = await maybeHosts(address, BROWSER, AbortSignal.timeout(FIRST_MS));
  if ((report?.hosts.length ?? 0) > 1) BROWSER.reload();
}

/** Before a host has answered, its id is not known, and only the overview has the reason. */
function hasAnswered(hosts: readonly Pick<Reading, "ageSeconds">[] = []): boolean {
  return hosts[0] !== undefined && hosts[0].ageSeconds !== null;
}

if (!logInThen(() => void begin())) void begin();
logInWhenLinked();
