/** The details of a table row, in a row of their own below it. One drawer of a table is open at a time. */
import { useState, type ReactNode } from "react";
import "./drawer.css";

export function useDrawer() {
  const [open, setOpen] = useState<string | null>(null);
  return {
    open,
    isOpen: (name: string) => open === name,
    toggle: (name: string) => () => {
      setOpen((before) => (before === name ? null : name));
    },
  };
}

export interface DrawerProps {
  /** The number of columns of the table. */
  readonly span: number;
  readonly facts: readonly (readonly [name: string, value: ReactNode])[];
  readonly children?: ReactNode;
}

export function Drawer({ span, facts, children }: DrawerProps) {
  return (
    <tr className="drawer">
      <td colSpan={span}>
        {children}
        <dl>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </td>
    </tr>
  );
}
