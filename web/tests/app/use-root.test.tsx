// @vitest-environment jsdom
import { act, render } from "@testing-library/react";
import { useLayoutEffect } from "react";
import { expect, it } from "vitest";

import { createPage } from "../../src/app/create-page";
import { useRoot } from "../../src/app/use-root";
import { PageContext } from "../../src/store/use-telemetry";
import { fakeBrowser } from "../support/fake-browser";
import { installDom } from "../support/dom";

it("changes the theme of the root before a chart below it reads its colours", () => {
  installDom();
  const page = createPage("http://ada/", undefined, fakeBrowser());
  const drawn: (string | undefined)[] = [];
  function Chart({ theme }: { theme: string }) {
    useLayoutEffect(() => {
      drawn.push(`${theme} ${document.documentElement.dataset["theme"]}`);
    }, [theme]);
    return null;
  }
  function Root() {
    return <Chart theme={useRoot(page).theme} />;
  }
  render(
    <PageContext value={page}>
      <Root />
    </PageContext>,
  );
  for (const theme of ["light", "dark"] as const) {
    act(() => {
      page.actions.setTheme(theme);
    });
  }
  expect(drawn.slice(-2)).toEqual(["light light", "dark dark"]);
});
