/** The first code that runs on the page of a host: logs in with a token, starts the page and mounts it. */
import "./styles/index.css";
import { initialView, logInThen, logInWhenLinked, mount } from "./begin";
import { createPage } from "./create-page";
import { Dashboard } from "./dashboard";

const page = createPage(document.baseURI, initialView());
// Before React draws the empty page, so that the history arrives sooner.
if (!logInThen(() => page.start())) page.start();
logInWhenLinked();
mount({ page, Dashboard });
