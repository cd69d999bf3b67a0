/** The page and a host on it, as components use them. A page can show one host after the other. */
import type { Frame } from "../protocol/frames";
import type { Actions } from "./actions";
import type { Store } from "./create-store";
import type { Display } from "./display";
import type { ProcessMemory } from "./process-memory";
import type { Telemetry } from "./telemetry";
import type { Pause } from "./timeline";
import type { View } from "./view";

/** The choices of the viewer, and the login. They apply to every host. */
export interface Page {
  readonly view: Store<View>;
  /** Null while the page is live. */
  readonly pause: Store<Pause | null>;
  /** The host time under the cursor, the same on every chart; null when there is no cursor. */
  readonly cursor: Store<number | null>;
  readonly actions: Actions;
  /** The name of the token that this page uses; null when the server requires none. */
  readonly user: Store<string | null>;
  /** The version of the server that this page first connected to: most probably that of the page itself. */
  readonly firstVersion: Store<string | null>;
  readonly reload: () => void;
  /** Loads the login page. Resolves to null, or to the reason why it failed. */
  readonly logOut: () => Promise<string | null>;
  readonly notifications: Notifications;
  /**
   * Requests JSON of the server itself, at a path relative to the page. Rejects with an Error that has the server's reason,
   * also after 20 s without a byte.
   */
  readonly request: (path: string, signal: AbortSignal, method?: string) => Promise<unknown>;
  /** The hosts of a front end; null on a server with one host. */
  readonly fleet: Fleet | null;
}

/** `unavailable`: browsers have notifications only on https, and on the computer of the server. */
export type NotificationState = "on" | "off" | "denied" | "unavailable";

/** Whether the browser notifies the viewer of alerts. */
export interface Notifications {
  readonly state: Store<NotificationState>;
  /** Turns them on or off. The first time, the browser asks the viewer. */
  readonly toggle: () => Promise<void>;
}

/** How the viewer moves between the hosts of a front end. The address follows, so that the browser's back works. */
export interface Fleet {
  /** All hosts, in the order of the overview. */
  readonly list: () => readonly ListedHost[];
  /** Shows the dashboard of the host with this id. */
  readonly open: (id: string) => void;
  /** Shows the overview. */
  readonly close: () => void;
  /** Shows the dashboard of the next of the hosts that the viewer chose on the overview, or of the one before. */
  readonly step: (by: 1 | -1) => void;
}

export interface ListedHost {
  readonly id: string;
  readonly name: string;
  /** One word, for example `live`. */
  readonly state: string;
}

/** What one host sends, over a connection of its own. Its id is `host.id` of the first `hello`, and does not change. */
export interface Host {
  /** Tells the hosts of one page apart, because the id is not known before the first message. */
  readonly key: number;
  /** The id by which the page asked for it; null: the host on which the server runs. */
  readonly id: string | null;
  readonly telemetry: Telemetry;
  readonly display: Store<Display>;
  readonly processMemory: ProcessMemory;
  /** Asks for on-demand sections over a connection of its own. Returns the function that ends it. */
  readonly watchSections: (sections: readonly string[], listener: SectionListener) => () => void;
  /**
   * Requests JSON beside the stream, at a path relative to the page. Rejects with a RequestError that has the server's
   * reason, also after 20 s without a byte. `received` gets the size of the answer.
   */
  readonly request: (
    path: string,
    signal: AbortSignal,
    received: (bytes: number) => void,
  ) => Promise<unknown>;
  /** Connects now instead of at the next planned try. */
  readonly tryNow: () => void;
  readonly address: string;
  readonly startedUnix: number;
}

export interface SectionListener {
  /** Each message; none while the page is paused. */
  readonly frame: (frame: Frame) => void;
  /** The server refused the connection for this reason. */
  readonly failed: (reason: string) => void;
}
