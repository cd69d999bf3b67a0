"""The login page is whole in itself, and the policy lets its own style through and no other."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from telemetry_stream.access import login_page
from telemetry_stream.access.policy import security_headers

PAGES = (login_page.ASKS, login_page.ASKS_ELSEWHERE, login_page.REFUSES)


class Tags(HTMLParser):
    """Collects a page's start tags."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("page", PAGES)
def test_the_policy_knows_its_style(page: bytes) -> None:
    """By the hash of exactly what stands between the tags, as a browser computes it."""
    (style,) = re.findall(rb"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    policy = dict(security_headers())["Content-Security-Policy"]
    assert f"; style-src 'self' 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", PAGES)
def test_it_loads_nothing(page: bytes) -> None:
    """Who has no token would get nothing; and nothing of it runs, or carries a style of its own."""
    tags = Tags(page).found
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "img", "iframe"})
    assert not [attrs for _, attrs in tags if {"style", "src", "onload", "onclick"} & attrs.keys()]
    assert b"url(" not in page


@pytest.mark.parametrize(
    ("page", "action", "role"),
    [
        (login_page.ASKS, "./", None),
        (login_page.ASKS_ELSEWHERE, "/", None),
        (login_page.REFUSES, "./", "alert"),
    ],
)
def test_where_the_form_leads(page: bytes, action: str, role: str | None) -> None:
    """Beside where tokens are taken it is relative; a wrong token is announced."""
    tags = Tags(page).found
    assert ("form", {"action": action, "method": "get"}) in tags
    assert next(attrs for tag, attrs in tags if tag == "p").get("role") == role
    assert [attrs["type"] for tag, attrs in tags if tag == "input"] == ["password"]


def test_its_colours_are_the_dashboard_s() -> None:
    """Those of its light theme, and in the dark those of the dark one, by the same names."""
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
