/** The first thing that runs: reads the address, starts the session, mounts the page. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./styles/index.css";
import { rememberedTheme } from "../shell/theme";
import { viewFromQuery } from "../store/view";
import { Page } from "./page";
import { createSession } from "./session";

const asked = viewFromQuery(location.search);
const session = createSession(document.baseURI, {
  ...asked,
  theme: asked.theme ?? rememberedTheme(),
});
// Before React draws its first empty page: the history is on its way meanwhile.
session.start();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Page session={session} />
  </StrictMode>,
);
