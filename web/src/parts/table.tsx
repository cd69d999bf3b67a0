/** A small table. Its title stands in the head, which saves a line. */
import type { ReactNode } from "react";

import { explained } from "./explained";
import { SourceWord, useSource } from "./source-state";

export interface TableColumn {
  readonly name: string;
  readonly explain?: string;
}

export interface TableProps {
  readonly title: string;
  /** The key of its explanation. */
  readonly explain: string;
  readonly section: string;
  readonly className: string;
  /** The names of the column widths in the style sheet, from left to right. */
  readonly widths: readonly string[];
  /** The number of columns that the title spans. */
  readonly titleSpan?: number;
  /** The heads of the columns after the title. */
  readonly columns: readonly TableColumn[];
  /** The line below a table without rows. */
  readonly empty: string | null;
  readonly children: ReactNode;
}

export function Table({
  title,
  explain,
  section,
  className,
  widths,
  titleSpan = 1,
  columns,
  empty,
  children,
}: TableProps) {
  const source = useSource(section);
  return (
    <section className={`panel ${className}`} aria-label={title} data-panel={title} tabIndex={-1}>
      <table>
        {/* With `table-layout: fixed`, the title, which may span two columns, would set their widths. */}
        <colgroup>
          {widths.map((name, index) => (
            <col key={index} className={`col-${name}`} />
          ))}
        </colgroup>
        <thead>
          <tr className="title-row">
            <th colSpan={titleSpan} scope="col">
              <h2 {...explained(explain)}>{title}</h2>{" "}
              <span className="faint">
                <SourceWord source={source} />
              </span>
            </th>
            {columns.map((column) => (
              <th className="right" scope="col" key={column.name}>
                <span {...explained(column.explain)}>{column.name}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
      {empty !== null && <p className="faint">{empty}</p>}
      {source?.state === "failed" && <p className="reason">{source.reason}</p>}
    </section>
  );
}
