/** What the first code of both pages does: reads the view from the address, logs in with its token, mounts the page. */
import { StrictMode, type ComponentProps } from "react";
import { createRoot, type Root } from "react-dom/client";

import { VITALS } from "../sections";
import { rememberedCharacterKeys } from "../shell/remember";
import { rememberedTheme } from "../shell/theme";
import { viewFromQuery, type View } from "../store/view";
import { logIn, takeToken } from "../stream/log-in";
import { BROWSER } from "../stream/refusal";
import { Page } from "./page";

export function initialView(): View {
  const view = viewFromQuery(
    location.search,
    VITALS.map(({ focus }) => focus),
  );
  return {
    ...view,
    theme: view.theme ?? rememberedTheme(),
    characterKeys: view.characterKeys && rememberedCharacterKeys(),
  };
}

/** Log in if the address has a token, and then continue. Return false if it has none. */
export function logInThen(next: () => void): boolean {
  const token = takeToken();
  if (token !== null) void logIn(document.baseURI, token, BROWSER).then(next);
  return token !== null;
}

/** A link that is opened in this tab changes only the part of its address behind "#". */
export function logInWhenLinked(): void {
  window.addEventListener("hashchange", () => logInThen(BROWSER.reload));
}

/** Return the root of the page, which can be unmounted. */
export function mount(props: ComponentProps<typeof Page>): Root {
  const place = document.getElementById("root");
  if (place === null) throw new Error("no #root");
  // Before anything measures the size of a rem.
  document.documentElement.classList.toggle("kiosk", props.page.view.get().kiosk);
  const root = createRoot(place);
  root.render(
    <StrictMode>
      <Page {...props} />
    </StrictMode>,
  );
  return root;
}
