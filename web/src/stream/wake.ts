/** Calls `wake` when waiting has become pointless: the browser is online again, or the tab is shown. */
export function onWake(wake: () => void, page: Window = window): () => void {
  const shown = () => {
    if (page.document.visibilityState === "visible") wake();
  };
  page.addEventListener("online", wake);
  page.document.addEventListener("visibilitychange", shown);
  return () => {
    page.removeEventListener("online", wake);
    page.document.removeEventListener("visibilitychange", shown);
  };
}
