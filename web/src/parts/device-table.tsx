/** A table with a row per device. The name is a button that opens a drawer with more about the device. */
import { Fragment, type ReactNode } from "react";

import { Drawer, useDrawer, type DrawerProps } from "./drawer";
import { Table, type TableColumn } from "./table";
import { Mark, toneOf } from "../charts/tone";
import type { Level } from "../store/alerts";

export interface DeviceRow {
  /** Tells the row from the others where two may have the same name; by default the name. */
  readonly id?: string;
  readonly name: string;
  /** That of the worst alert about it. */
  readonly level: Level | undefined;
  /** True for devices that the totals do not contain. */
  readonly faint: boolean;
  readonly cells: readonly { readonly text: ReactNode; readonly faint?: boolean }[];
  readonly facts: DrawerProps["facts"];
}

export interface DeviceTableProps {
  readonly title: string;
  readonly explain: string;
  readonly section: string;
  readonly className: string;
  readonly columns: readonly (TableColumn & { readonly width: string })[];
  /** Undefined while the rows are not known, which is not the same as none. */
  readonly rows: readonly DeviceRow[] | undefined;
  /** The line below a table without rows. */
  readonly empty: string;
}

export function DeviceTable({ columns, rows, empty, ...table }: DeviceTableProps) {
  const drawer = useDrawer();
  return (
    <Table
      {...table}
      widths={["name", ...columns.map(({ width }) => width)]}
      columns={columns}
      empty={rows?.length === 0 ? empty : null}
    >
      {rows?.map(({ name, id = name, level, faint, cells, facts }) => (
        <Fragment key={id}>
          <tr className={faint ? "faint" : ""} data-row={id}>
            <th scope="row" className={faint ? "faint" : "primary"}>
              <button type="button" aria-expanded={drawer.isOpen(id)} onClick={drawer.toggle(id)}>
                {level !== undefined && (
                  <span className={toneOf(level)}>
                    <Mark level={level} />
                  </span>
                )}
                {name}
              </button>
            </th>
            {cells.map((cell, index) => (
              <td key={index} className={cell.faint === true ? "right faint" : "right"}>
                {cell.text}
              </td>
            ))}
          </tr>
          {drawer.isOpen(id) && <Drawer span={columns.length + 1} facts={facts} />}
        </Fragment>
      ))}
    </Table>
  );
}
