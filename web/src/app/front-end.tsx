/**
 * The first code that runs on the page of a front end. It requests the hosts: with several of them, or none yet, the page
 * begins with the overview, unless its address names a host. With a single one, it is the page of that host, from its first
 * answer on.
 */
import "./styles/index.css";
import { choicesFromQuery, createOverview, maybeHosts, Overview, type Reading } from "../overview";
import { createStore } from "../store/create-store";
import { BROWSER } from "../stream/refusal";
import { initialView, logInThen, logInWhenLinked, mount } from "./begin";
import { createPage, type Hosts } from "./create-page";
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
  const choices = createStore(choicesFromQuery(location.search));
  const hosts: Hosts =
    single && hasAnswered(report?.readings)
      ? { overview: null, first: hostInAddress() ?? single.id }
      : {
          overview: (around) => createOverview(address, choices, report, around),
          first: hostInAddress(),
        };
  const page = createPage(address, initialView(), {}, hosts);
  page.start();
  mount({ page, Dashboard: LaterDashboard, Overview });
  loadDashboardWhenIdle();
  const { overview } = page;
  if (overview === null) {
    setInterval(() => void reloadIfSeveral(address), AGAIN_MS);
    return;
  }
  if (single === undefined) return;
  overview.state.subscribe(() => {
    const { rows } = overview.state.get();
    if (rows.length === 1 && hasAnswered(rows)) BROWSER.reload();
  });
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
