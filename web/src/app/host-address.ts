/** The host in the address of the page: `?host=ID`. Without it, a front end shows the overview. */
export function hostInAddress(): string | null {
  return new URLSearchParams(location.search).get("host");
}

/** Return the address of the page for this host; null: for the overview. The other choices stay in it. */
export function addressOf(host: string | null): string {
  const query = new URLSearchParams(location.search);
  if (host === null) query.delete("host");
  else query.set("host", host);
  const text = query.toString();
  return `${location.pathname}${text === "" ? "" : `?${text}`}`;
}
