/**
 * The first code that runs on the page of a front end. It asks for the hosts: with several of them, or none yet, the page
 * begins with the overview, unless its address names a host. With a single one, it is the page of that host.
 */
import "./styles/index.css";
import { choicesFromQuery, createOverview, maybeHosts, Overview } from "../overview";
import { createStore } from "../store/create-store";
import { BROWSER } from "../stream/refusal";
import { initialView, logInThen, logInWhenLinked, mount } from "./begin";
import { createPage, type Hosts } from "./create-page";
import { hostInAddress } from "./host-address";

/** The overview connects anyway. Its own tries have no such limit. */
const FIRST_MS = 4000;

async function begin(): Promise<void> {
  const address = document.baseURI;
  const report = await maybeHosts(address, BROWSER, AbortSignal.timeout(FIRST_MS));
  const [only, ...others] = report?.hosts ?? [];
  const isSingle = only !== undefined && others.length === 0;
  const choices = createStore(choicesFromQuery(location.search));
  const hosts: Hosts = isSingle
    ? { overview: null, first: hostInAddress() ?? only.id }
    : {
        overview: (around) => createOverview(address, choices, report, around),
        first: hostInAddress(),
      };
  const page = createPage(address, initialView(), {}, hosts);
  page.start();
  mount({ page, Overview });
}

if (!logInThen(() => void begin())) void begin();
logInWhenLinked();
