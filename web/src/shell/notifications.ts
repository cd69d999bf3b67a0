/**
 * Whether the browser notifies the viewer of alerts. It asks for the permission only when the viewer clicks. The code that
 * shows notifications is loaded when it is needed.
 */
import { createStore } from "../store/create-store";
import type { NotificationState, Notifications } from "../store/page";
import { maybeRemembered, remember } from "./remember";

export interface RunningNotifications extends Notifications {
  /** Notifies of alerts while they are on. Returns the function that ends it. */
  readonly follow: (load: LoadNotifier) => () => void;
}

/** Loads the function that begins to notify, which returns the one that ends it. */
export type LoadNotifier = () => Promise<() => () => void>;

const KEY = "telemetry-stream-notifications";

export function createNotifications(): RunningNotifications {
  const state = createStore(stateNow());
  return {
    state,
    toggle: async () => {
      const isOn = state.get() === "on";
      if (!isOn) await Notification.requestPermission();
      remember(KEY, isOn ? "off" : "on");
      state.set(stateNow());
    },
    follow: (load) => {
      let end: (() => void) | null = null;
      const stop = (): void => {
        end?.();
        end = null;
      };
      const change = (): void => {
        stop();
        if (state.get() !== "on") return;
        let isWanted = true;
        end = () => {
          isWanted = false;
        };
        load().then((begin) => {
          if (isWanted) end = begin();
        }, console.warn);
      };
      change();
      const leave = state.subscribe(change);
      return () => {
        leave();
        stop();
      };
    },
  };
}

function stateNow(): NotificationState {
  if (!("Notification" in globalThis && isSecureContext && "locks" in navigator))
    return "unavailable";
  if (Notification.permission === "denied") return "denied";
  const isOn = Notification.permission === "granted" && maybeRemembered(KEY) === "on";
  return isOn ? "on" : "off";
}
