/** Parts of panels whose code is loaded once the page is drawn, so that the page itself is loaded sooner. */
import { useEffect, useState, type ComponentType, type ReactNode } from "react";

type Load<P> = () => Promise<ComponentType<P>>;

/**
 * Return a component that loads its code when it is first shown, and shows `before` until then. If the code cannot be
 * loaded, the boundary around it shows the reason and tries again, which `lazy` of React would not do.
 */
export function loaded<P extends object>(
  load: Load<P>,
  before: ReactNode = null,
): ComponentType<P> {
  // Kept for the next time that it is shown, which then shows it at once.
  let known: ComponentType<P> | null = null;
  return function Loaded(props: P) {
    const [Part, setPart] = useState<ComponentType<P> | null>(() => known);
    const [failure, setFailure] = useState<Error | null>(null);
    useEffect(() => {
      if (known !== null) return;
      let isShown = true;
      load().then(
        (component) => {
          known = component;
          if (isShown) setPart(() => component);
        },
        (error: unknown) => {
          if (isShown) setFailure(error instanceof Error ? error : new Error(String(error)));
        },
      );
      return () => {
        isShown = false;
      };
    }, []);
    if (failure !== null) throw failure;
    return Part === null ? before : <Part {...props} />;
  };
}

/** Return such a panel. Its title and its place are there before. */
export function loadedPanel(title: string, load: Load<object>): ComponentType {
  return loaded(
    load,
    <section className="panel before" aria-label={title} data-panel={title} tabIndex={-1}>
      <div className="panel-head">
        <h2>{title}</h2>
      </div>
    </section>,
  );
}
