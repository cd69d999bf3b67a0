/**
 * The page outside of React: the choices of the viewer, and what it shows: one host or, on a front end, the overview of all
 * hosts. Only this has a connection. The title and the icon of the tab follow it, also in a hidden tab. Nothing runs before
 * `start`, and nothing after the function that `start` returns.
 */
import type { RunningOverview, Surroundings } from "../overview/create-overview";
import type { Hello } from "../protocol/frames";
import { createNotifications } from "../shell/notifications";
import { showInTab, tabStatus } from "../shell/tab";
import { createActions } from "../store/actions";
import { createClock } from "../store/clock";
import { createStore, type Store } from "../store/create-store";
import type { Fleet, Page } from "../store/page";
import { liveEdge, type Pause } from "../store/timeline";
import { DEFAULT_VIEW, type View } from "../store/view";
import type { Environment } from "../stream/connection";
import { logOut } from "../stream/log-out";
import { BROWSER, requestJson, type Browser } from "../stream/refusal";
import { onWake } from "../stream/wake";
import { createHost, type RunningHost } from "./create-host";
import { addressOf, hostInAddress } from "./host-address";
import { reloadIncomplete } from "./reload-incomplete";

const CLOCK_MS = 1000;

export interface RunningPage extends Page {
  /** The host whose dashboard is shown; null while the overview is. */
  readonly host: Store<RunningHost | null>;
  /** Null on a server with one host. */
  readonly overview: RunningOverview | null;
  /** Returns the function that ends it. */
  readonly start: () => () => void;
}

/** What a front end serves. */
export interface Hosts {
  /** Makes the overview; null if there is only one host. */
  readonly overview: ((page: Surroundings) => RunningOverview) | null;
  /** The id of the host to show first. Null: the overview or, without one, the host on which the server runs. */
  readonly first: string | null;
}

export function createPage(
  address: string,
  initialView: View = DEFAULT_VIEW,
  environment: Environment & Partial<Browser> = {},
  hosts: Hosts = { overview: null, first: null },
): RunningPage {
  const clock = createClock();
  const browser = { ...BROWSER, nowMs: clock.nowMs, ...environment };
  const view = createStore(initialView);
  const pause = createStore<Pause | null>(null);
  const cursor = createStore<number | null>(null);
  const user = createStore<string | null>(null);
  const firstVersion = createStore<string | null>(null);

  const greeted = (hello: Pick<Hello, "version" | "user">): void => {
    const first = firstVersion.get() ?? hello.version;
    firstVersion.set(first);
    user.set(hello.user);
    // Nobody can press a button on a wall, so the page of the older server would stay for months.
    if (first !== hello.version && view.get().kiosk) browser.reload();
  };
  const notifications = createNotifications();
  const overview = hosts.overview?.({ clock, browser, greeted }) ?? null;
  let opened = 0;
  const open = (hostId: string | null): RunningHost => {
    opened += 1;
    const around = { view, pause, clock, browser, hostId, greeted, superseded };
    return createHost(opened, address, around);
  };
  const openOrOverview = (hostId: string | null): RunningHost | null =>
    hostId === null && overview !== null ? null : open(hostId);
  const show = (next: () => RunningHost | null): void => {
    stop();
    actions.live();
    host.set(next());
    stop = run();
    showTab();
  };
  /** Show the host that answers now. It does not continue the one before, so the page is live again. */
  const superseded = (): void => {
    const { id } = host.get() ?? { id: null };
    show(() => open(id));
  };
  const host = createStore(openOrOverview(hosts.first));
  const actions = createActions({
    view,
    pause,
    cursor,
    now: () => {
      const state = host.get()?.telemetry.store.get();
      return state === undefined ? clock.unixSeconds() : liveEdge(state, clock.nowMs());
    },
  });
  const fleet: Fleet | null = overview && {
    list: overview.list,
    open: (id) => {
      history.pushState(null, "", addressOf(id));
      show(() => open(id));
    },
    close: () => {
      if (host.get() === null) return;
      history.pushState(null, "", addressOf(null));
      show(() => null);
    },
    step: (by) => {
      const ids = overview.state.get().shown.map(({ host: { id } }) => id);
      const at = ids.indexOf(host.get()?.id ?? "");
      const id = ids[at === -1 ? 0 : (at + by + ids.length) % ids.length];
      if (id === undefined || id === host.get()?.id) return;
      // It replaces the address, so that one step back in the browser is enough for the overview.
      history.replaceState(null, "", addressOf(id));
      show(() => open(id));
    },
  };
  const moved = (): void => {
    const id = hostInAddress();
    if (id !== (host.get()?.id ?? null)) show(() => openOrOverview(id));
  };

  const showTab = (): void => {
    const state = host.get()?.telemetry.store.get();
    const status =
      state === undefined
        ? overview?.tabStatus()
        : tabStatus(state, clock.nowMs(), pause.get() !== null);
    if (status !== undefined) showInTab(status);
  };
  const run = (): (() => void) => {
    const running = host.get();
    if (running?.id != null) overview?.select(running.id);
    const part = running ?? overview;
    const store = running?.telemetry.store ?? overview?.state;
    const undo = [
      part?.start(),
      store?.subscribe(showTab),
      part === null ? undefined : notifications.follow(part.loadNotifier),
    ];
    return () => {
      for (const leave of undo) leave?.();
    };
  };
  let stop = (): void => undefined;
  return {
    view,
    pause,
    cursor,
    actions,
    user,
    firstVersion,
    reload: browser.reload,
    logOut: () => logOut(address, browser),
    notifications,
    request: (path, signal, method) =>
      requestJson(new URL(path, address).href, browser, signal, { method }),
    fleet,
    host,
    overview,
    start: () => {
      stop = run();
      const unsubscribe = pause.subscribe(showTab);
      const stopReloading = reloadIncomplete(view, address, browser);
      const timer = setInterval(() => {
        (host.get() ?? overview)?.tick();
        showTab();
      }, CLOCK_MS);
      const stopWaking = onWake((cause) => {
        (host.get() ?? overview)?.wake(cause);
      });
      if (overview !== null) window.addEventListener("popstate", moved);
      return () => {
        unsubscribe();
        stopReloading();
        window.removeEventListener("popstate", moved);
        stopWaking();
        clearInterval(timer);
        stop();
      };
    },
  };
}
