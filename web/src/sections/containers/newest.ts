/** The newest containers. Fed by a connection that exists only while the table is on screen. */
import { createStore, type Store } from "../../store/create-store";
import type { SectionListener } from "../../store/page";
import type { Container } from "../../protocol/sections";

export interface ContainerState {
  /** Undefined while they are not known. */
  readonly rows: readonly Container[] | undefined;
  /** Why there are no newer ones; null while there are. */
  readonly failure: string | null;
}

export interface NewestContainers extends SectionListener {
  readonly store: Store<ContainerState>;
}

export function createNewestContainers(): NewestContainers {
  const store = createStore<ContainerState>({ rows: undefined, failure: null });
  const failed = (failure: string): void => {
    store.update((now) => ({ ...now, failure }));
  };
  return {
    store,
    failed,
    frame: (received) => {
      if (received.type !== "sample") return;
      const { sections, sources } = received.sample;
      const source = sources["containers"];
      if (sections.containers !== undefined) {
        store.set({ rows: byName(sections.containers), failure: null });
      } else if (source?.state === "failed") failed(source.reason ?? "failed");
      else if (source?.state === "absent") store.set({ rows: [], failure: null });
    },
  };
}

export function shownName({ name, id }: Container): string {
  return name ?? id;
}

/** By name, so that a row keeps its place under the pointer. */
function byName(rows: readonly Container[]): Container[] {
  return rows.toSorted(
    (one, other) =>
      shownName(one).localeCompare(shownName(other)) || one.id.localeCompare(other.id),
  );
}
