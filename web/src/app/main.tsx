import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./page.css";
import { Page } from "./page";
import { createSession } from "./session";

const session = createSession(document.baseURI);
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Page session={session} />
  </StrictMode>,
);
