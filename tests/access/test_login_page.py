"""The login page: it loads nothing, and the policy allows its inline style and no other."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from telemetry_stream.access import login_page
from telemetry_stream.access.policy import security_headers

AT_ROOT = login_page.page(at_root=True, again=False)
ELSEWHERE = login_page.page(at_root=False, again=False)
AGAIN = login_page.page(at_root=True, again=True)
PAGES = (AT_ROOT, ELSEWHERE, AGAIN, login_page.invalid_token())


class Tags(HTMLParser):
    """Collects a page's start tags."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_contains_the_hashes_of_style_and_script(page: bytes, tag: str) -> None:
    """A browser computes them over the text between the tags."""
    (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
    policy = dict(security_headers())["Content-Security-Policy"]
    assert f"; {tag}-src 'self' 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", PAGES)
def test_the_page_loads_nothing(page: bytes) -> None:
    """It has no attributes with scripts or styles, and refers to no file."""
    tags = Tags(page).found
    assert {tag for tag, _ in tags}.isdisjoint({"link", "img", "iframe"})
    assert not [attrs for _, attrs in tags if {"style", "src", "onload", "onclick"} & attrs.keys()]
    assert b"url(" not in page


@pytest.mark.parametrize(
    ("page", "action", "role"),
    [
        (AT_ROOT, "./", None),
        (ELSEWHERE, "/", None),
        (login_page.invalid_token(), "./", "alert"),
    ],
)
def test_the_form_sends_the_token_to_the_root(page: bytes, action: str, role: str | None) -> None:
    """At the root the address is relative. Screen readers announce the message about a wrong token.

    The field has no name, so that a browser without scripts does not put the token into the address.
    """
    tags = Tags(page).found
    assert ("form", {"action": action}) in tags
    assert next(attrs for tag, attrs in tags if tag == "p").get("role") == role
    (field,) = (attrs for tag, attrs in tags if tag == "input")
    assert field["type"] == "password"
    assert "name" not in field


def test_the_messages() -> None:
    """One asks for a token, one refuses a wrong one."""
    assert b"<p>Enter your access token.</p>" in AT_ROOT
    assert b"<p>Enter your access token.</p>" in ELSEWHERE
    assert b'<p role="alert">Invalid token.</p>' in login_page.invalid_token()


def test_the_page_has_the_colours_of_the_dashboard() -> None:
    """Those of the light and of the dark theme, under the same names."""
    sheet = (Path(__file__).parents[2] / "web/src/app/styles/tokens.css").read_text()
    themes = {
        "light": re.findall(r':root\[data-theme="light"\] \{(.*?)\n\}', sheet, re.DOTALL)[0],
        "dark": re.findall(r":root \{(.*?)\n\}", sheet, re.DOTALL)[0],
    }
    light, _, dark = login_page.STYLE.partition("@media (prefers-color-scheme: dark)")
    for theme, style in (("light", light), ("dark", dark)):
        colours = re.findall(r"--[\w-]+: #\w+;", style)
        assert len(colours) == 7
        assert not [colour for colour in colours if colour not in themes[theme]], theme
