/** A modal dialog: it keeps the focus inside, and returns it to the element that had it before. Escape closes it. */
import { useEffect, useRef, type ReactNode } from "react";

import "./dialog.css";

export interface DialogProps {
  readonly title: string;
  readonly testId: string;
  readonly close: () => void;
  /** At the left of the button that closes it. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}

export function Dialog({ title, testId, close, aside, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close} data-testid={testId}>
      <div className="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        {aside}
        <button type="button" onClick={close}>
          Close<kbd aria-hidden="true">Esc</kbd>
        </button>
      </div>
      {children}
    </dialog>
  );
}
