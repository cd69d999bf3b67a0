/** The overview of a front end. A server with one host does not load it. */
export { choicesFromQuery } from "./choices";
export { createOverview } from "./create-overview";
export type { HostsReport, Reading } from "./frames";
export { Overview } from "./overview";
export { maybeHosts } from "./requests";
