/** The field that filters the table. */
import { memo } from "react";

import { usePage, useView } from "../../store/use-telemetry";
import { MAX_FILTER } from "../../store/view";
import { FILTER_ID } from "./ids";

/** With memo, because React writes the attributes of a field whenever it is drawn, and the table is drawn each second. */
export const Filter = memo(function Filter() {
  const { actions } = usePage();
  const filter = useView((view) => view.filter);
  return (
    <label className="filter">
      <span className="visually-hidden">filter processes</span>
      <input
        id={FILTER_ID}
        type="search"
        placeholder="filter"
        maxLength={MAX_FILTER}
        value={filter}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          actions.setFilter(event.target.value);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
});
