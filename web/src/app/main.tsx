/** The first code that runs: reads the address, logs in with its token, starts the page and mounts it. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./styles/index.css";
import { VITALS } from "../sections";
import { rememberedCharacterKeys } from "../shell/remember";
import { rememberedTheme } from "../shell/theme";
import { viewFromQuery } from "../store/view";
import { logIn, takeToken } from "../stream/log-in";
import { BROWSER } from "../stream/refusal";
import { createPage } from "./create-page";
import { Page } from "./page";

const view = viewFromQuery(
  location.search,
  VITALS.map(({ focus }) => focus),
);
const page = createPage(document.baseURI, {
  ...view,
  theme: view.theme ?? rememberedTheme(),
  characterKeys: view.characterKeys && rememberedCharacterKeys(),
});
/** Log in if the address has a token, and then continue. Return false if it has none. */
function logInThen(next: () => void): boolean {
  const token = takeToken();
  if (token !== null) void logIn(document.baseURI, token, BROWSER).then(next);
  return token !== null;
}
// Before React draws the empty page, so that the history arrives sooner.
if (!logInThen(() => page.start())) page.start();
// A link that is opened in this tab changes only the part of its address behind "#".
window.addEventListener("hashchange", () => logInThen(BROWSER.reload));
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Page page={page} />
  </StrictMode>,
);
