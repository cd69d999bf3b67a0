/** The head of a small table: the title stands in it, so that it costs no line of its own. */
import type { ReactNode } from "react";

/** `table-layout: fixed` takes the widths of columns from here, not from a title that spans two. */
export function Columns({ of }: { of: readonly string[] }) {
  return (
    <colgroup>
      {of.map((name) => (
        <col key={name} className={`col-${name}`} />
      ))}
    </colgroup>
  );
}

export interface TableHeadProps {
  readonly title: string;
  readonly explain: string;
  readonly span?: number;
  readonly columns: readonly string[];
  readonly word?: ReactNode;
}

export function TableHead({ title, explain, span = 1, columns, word }: TableHeadProps) {
  return (
    <thead>
      <tr className="hd">
        <th colSpan={span} scope="col">
          <h2 data-explain={explain} tabIndex={0}>
            {title}
          </h2>{" "}
          <span className="f">{word}</span>
        </th>
        {columns.map((name) => (
          <th
            className="r"
            scope="col"
            key={name}
            data-explain={name === "busy" ? "busy" : undefined}
          >
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}
