/** Below the table of all processes: which rows it shows, and the buttons for the pages before and after them. */
import { count } from "../../format/numbers";
import { NEXT_ID, PREVIOUS_ID } from "./ids";
import type { AllProcesses } from "./use-all";

export function Pager({ all: { offset, limit, page, show } }: { all: AllProcesses }) {
  const matching = page?.matching ?? 0;
  const last = Math.max(0, Math.ceil(matching / limit) - 1) * limit;
  return (
    <div className="pager" role="group" aria-label="Pages of processes">
      <button
        id={PREVIOUS_ID}
        type="button"
        disabled={offset === 0}
        onClick={() => {
          show(Math.max(0, Math.min(offset - limit, last)));
        }}
      >
        previous<kbd aria-hidden="true">,</kbd>
      </button>
      <span role="status">
        {page === null
          ? "not loaded yet"
          : rangeText(page.offset, Math.min(page.rows.length, limit), matching)}
        {page !== null && page.unread > 0 && `, ${count(page.unread)} not read yet`}
        {page !== null && page.offset !== offset && ", another page is not loaded yet"}
      </span>
      <button
        id={NEXT_ID}
        type="button"
        disabled={offset >= last}
        onClick={() => {
          show(Math.min(offset + limit, last));
        }}
      >
        next<kbd aria-hidden="true">.</kbd>
      </button>
    </div>
  );
}

function rangeText(offset: number, rows: number, matching: number): string {
  const range = rows === 0 ? "0" : `${count(offset + 1)}–${count(offset + rows)}`;
  return `${range} of ${count(matching)}`;
}
