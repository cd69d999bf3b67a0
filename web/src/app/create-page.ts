/**
 * The page outside of React: the choices of the viewer, and the host that it shows. The title and the icon of the tab
 * follow this host, also in a hidden tab. Nothing runs before `start`, and nothing after the function that `start`
 * returns.
 */
import type { Hello } from "../protocol/frames";
import { showInTab, tabStatus } from "../shell/tab";
import { createActions } from "../store/actions";
import { createClock } from "../store/clock";
import { createStore, type Store } from "../store/create-store";
import type { Page } from "../store/page";
import { liveEdge, type Pause } from "../store/timeline";
import { DEFAULT_VIEW, type View } from "../store/view";
import type { Environment } from "../stream/connection";
import { logOut } from "../stream/log-out";
import { BROWSER, type Browser } from "../stream/refusal";
import { onWake } from "../stream/wake";
import { createHost, type RunningHost } from "./create-host";

const CLOCK_MS = 1000;

export interface RunningPage extends Page {
  /** The host whose dashboard is shown. */
  readonly host: Store<RunningHost>;
  /** Returns the function that ends it. */
  readonly start: () => () => void;
}

export function createPage(
  address: string,
  initialView: View = DEFAULT_VIEW,
  environment: Environment & Partial<Browser> = {},
): RunningPage {
  const clock = createClock();
  const browser = { ...BROWSER, ...environment };
  const view = createStore(initialView);
  const pause = createStore<Pause | null>(null);
  const cursor = createStore<number | null>(null);
  const user = createStore<string | null>(null);
  const firstVersion = createStore<string | null>(null);

  const greeted = (hello: Hello): void => {
    const first = firstVersion.get() ?? hello.version;
    firstVersion.set(first);
    user.set(hello.user);
    // Nobody can press a button on a wall, so the page of the older server would stay for months.
    if (first !== hello.version && view.get().kiosk) browser.reload();
  };
  let opened = 0;
  const open = (): RunningHost => {
    opened += 1;
    return createHost(opened, address, { view, pause, clock, browser, greeted, superseded });
  };
  /** Show the host that answers now. It does not continue the one before, so the page is live again. */
  const superseded = (): void => {
    stop();
    actions.live();
    host.set(open());
    stop = run();
  };
  const host = createStore(open());
  const state = () => host.get().telemetry.store.get();
  const actions = createActions({
    view,
    pause,
    cursor,
    now: () => liveEdge(state(), clock.nowMs()),
  });

  const showTab = (): void => {
    showInTab(tabStatus(state(), clock.nowMs(), pause.get() !== null));
  };
  const run = (): (() => void) => {
    const running = host.get();
    const undo = [running.start(), running.telemetry.store.subscribe(showTab)];
    return () => {
      for (const leave of undo) leave();
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
    host,
    start: () => {
      stop = run();
      const unsubscribe = pause.subscribe(showTab);
      const timer = setInterval(() => {
        host.get().tick();
        showTab();
      }, CLOCK_MS);
      const stopWaking = onWake((cause) => {
        host.get().wake(cause);
      });
      return () => {
        unsubscribe();
        stopWaking();
        clearInterval(timer);
        stop();
      };
    },
  };
}
