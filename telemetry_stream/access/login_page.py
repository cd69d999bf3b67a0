"""The login page: one HTML document that loads nothing else, because every other file requires a token.

Its style is inline. The Content-Security-Policy of every response contains the style's hash (CSP Level 3, section
2.3.1), so browsers apply no other inline style. The colours are those of the dashboard
(web/src/app/styles/tokens.css).
"""

from __future__ import annotations

import base64
import hashlib

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
# The style as a source expression for the directive style-src.
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>telemetry_stream: log in</title>
<style>{style}</style>
<main>
<h1>telemetry_stream</h1>
<p{role}>{sentence}</p>
<form action="{root}" method="get">
<p><label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password"></p>
<p><button type="submit">Log in</button></p>
</form>
<p>The token was printed when the program first started, or it is in the token file of the server.</p>
</main>
</html>
"""

# The address that accepts a token. It is relative, because a reverse proxy may serve us below a prefix.
ROOT = "./"


def _page(sentence: str, *, role: str = "", root: str = ROOT) -> bytes:
    return _PAGE.format(style=STYLE, role=role, sentence=sentence, root=root).encode()


# The page at the root, the page at any other path, and the page after a wrong token.
AT_ROOT = _page("Enter your access token.")
ELSEWHERE = _page("Enter your access token.", root="/")
INVALID_TOKEN = _page("Invalid token.", role=' role="alert"')
