/** The section `system`: since when the host runs, and whether this is a container. */
import type { Section } from "../section";
import { SystemFacts } from "./header";

export const section: Section = { order: 120, header: SystemFacts };
