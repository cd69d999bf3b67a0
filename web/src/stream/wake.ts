/** Call `wake` when a wait should end early: the browser is online again, or the tab is shown. */
export function onWake(wake: (cause: "online" | "shown") => void): () => void {
  const online = () => {
    wake("online");
  };
  const shown = () => {
    if (document.visibilityState === "visible") wake("shown");
  };
  window.addEventListener("online", online);
  document.addEventListener("visibilitychange", shown);
  return () => {
    window.removeEventListener("online", online);
    document.removeEventListener("visibilitychange", shown);
  };
}
