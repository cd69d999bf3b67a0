/** The first code that runs: reads the address, starts the session and mounts the page. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./styles/index.css";
import { VITALS } from "../sections";
import { rememberedTheme } from "../shell/theme";
import { viewFromQuery } from "../store/view";
import { Page } from "./page";
import { createSession } from "./session";

const view = viewFromQuery(
  location.search,
  VITALS.map(({ focus }) => focus),
);
const session = createSession(document.baseURI, {
  ...view,
  theme: view.theme ?? rememberedTheme(),
});
// Before React draws the empty page, so that the history arrives sooner.
session.start();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Page session={session} />
  </StrictMode>,
);
