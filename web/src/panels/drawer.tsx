/** What a row has to tell when it is opened: facts in its own words, right below it. */
import { useState, type ReactNode } from "react";

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
