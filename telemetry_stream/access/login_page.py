"""The login page: one HTML document that loads nothing else, because every other file requires a token.

Its style and its script are inline. The Content-Security-Policy of every response contains their hashes (CSP Level 3,
section 2.3.1), so browsers use no others. The colours are those of the dashboard (web/src/app/styles/tokens.css).

The script sends the token with ``fetch`` in a header, so that it is in no address and no log. Links have the token
behind ``#``, which browsers do not send. The script takes it from there, and removes it from the address first.
"""

from __future__ import annotations

import base64
import hashlib


def _source(text: str) -> str:
    """Return the source expression that allows this inline text."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


STYLE = """
:root { color-scheme: light dark; --bg: #fbfbfc; --ink: #14171a; --ink-2: #4d555d; --meter: #848d95;
  --accent: #00708a; --on-loud: #fbfbfc; --critical: #bd2318; }
@media (prefers-color-scheme: dark) { :root { --bg: #0e1013; --ink: #e9ecef; --ink-2: #a3abb3; --meter: #68727c;
  --accent: #62c6dc; --on-loud: #0e1013; --critical: #ff6f61; } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--bg); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(24rem, 100vw); padding: 1.5rem; }
h1 { margin: 0 0 1rem; font-size: 1.25rem; border-bottom: 2px solid var(--accent); padding-bottom: .5rem; }
p { margin: 0 0 1rem; color: var(--ink-2); }
p[role=alert] { color: var(--critical); }
label { display: block; color: var(--ink); }
input, button { box-sizing: border-box; width: 100%; min-height: 44px; padding: 0 .75rem; font: inherit;
  border: 1px solid var(--meter); border-radius: 4px; }
input { background: var(--bg); color: var(--ink); }
button { background: var(--accent); color: var(--on-loud); border-color: var(--accent); cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
"""
SCRIPT = """
const form = document.querySelector("form");
const message = document.querySelector("p");
const show = (text) => {
  message.setAttribute("role", "alert");
  message.textContent = text;
};
const maybeError = async (answer) => {
  try {
    return (await answer.json()).error;
  } catch {
    return null;
  }
};
const logIn = async (token) => {
  const page = new URL(form.action);
  page.search = location.search;
  if (!/^[!-~]+$/.test(token)) return show("Invalid token.");
  let answer;
  try {
    const headers = { Authorization: `Bearer ${token}` };
    answer = await fetch(new URL("login", page), { method: "POST", headers });
  } catch {
    return show("The server is not reachable.");
  }
  if (answer.ok) return location.replace(page);
  const error = await maybeError(answer);
  if (error) return show(error);
  // A proxy in front has a login of its own, and needs the header Authorization for itself.
  page.searchParams.set("token", token);
  location.replace(page);
};
const maybeToken = () => {
  const address = new URL(location.href);
  const token = new URLSearchParams(address.hash.slice(1)).get("token");
  if (token === null && !address.searchParams.has("token")) return null;
  address.hash = "";
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
  return token;
};
const begin = () => {
  const token = maybeToken();
  if (token) logIn(token);
  return token;
};
form.addEventListener("submit", (event) => {
  event.preventDefault();
  logIn(form.elements[0].value.trim());
});
addEventListener("hashchange", begin);
if (!begin() && "again" in form.dataset) location.replace(location.href);
"""

# As source expressions for the directives style-src and script-src.
STYLE_SOURCE, SCRIPT_SOURCE = _source(STYLE), _source(SCRIPT)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>telemetry_stream: log in</title>
<style>{style}</style>
<main>
<h1>telemetry_stream</h1>
<p{role}>{sentence}</p>
<form action="{root}"{again}>
<p><label for="token">Token</label>
<input id="token" type="password" required autofocus autocomplete="current-password"></p>
<p><button type="submit">Log in</button></p>
</form>
<noscript><p>This page requires JavaScript.</p></noscript>
<p>The token was printed when the program first started, or it is in the token file of the server.</p>
</main>
<script>{script}</script>
</html>
"""

# The address of the dashboard. It is relative, because a reverse proxy may serve us below a prefix.
ROOT = "./"


def _page(sentence: str, *, role: str = "", root: str = ROOT, again: str = "") -> bytes:
    return _PAGE.format(
        style=STYLE, script=SCRIPT, role=role, sentence=sentence, root=root, again=again
    ).encode()


def page(*, at_root: bool, again: bool) -> bytes:
    """Return the page for the root or for another path.

    With ``again``, the page loads its address once more if that has no token: the request came from another site, so
    the browser did not send a Strict cookie, which it does with a request of our own page.
    """
    return _page(
        "Enter your access token.",
        root=ROOT if at_root else "/",
        again=" data-again" if again else "",
    )


def invalid_token() -> bytes:
    """Return the page after a wrong token."""
    return _page("Invalid token.", role=' role="alert"')
