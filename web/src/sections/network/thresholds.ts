/** A link that is almost full queues packets; errors and drops should not happen at all. */
import { reading, type Reading } from "../../store/thresholds";
import type { Sections } from "../../protocol/sections";
import { faultsOf, linkUse } from "./link";

export function readings({ interfaces }: Sections): Reading[] {
  return (interfaces ?? []).flatMap((one) => {
    const use = linkUse(one);
    return [
      reading(`link:${one.name}`, `${one.name} link almost full`, use === null ? null : use * 100, {
        warn: 90,
        margin: 5,
      }),
      reading(`errors:${one.name}`, `${one.name} errors`, faultsOf(one), { warn: 0, margin: 0 }),
    ];
  });
}
