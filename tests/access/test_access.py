"""Host and Origin: who is let in, by tables."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.access.access import Access
from telemetry_stream.access.forwarded import Proxies
from telemetry_stream.access.login import Login
from telemetry_stream.access.tokens import Token
from telemetry_stream.net.answer import HTTPError
from telemetry_stream.net.wsgi import HEADERS

ACCESS = Access(("Box", "box.local."))
ALLOWING = Access(("box",), origins=("https://home.example", "http://tiles.example:3000"))


def request(host: str | None, origin: str | None = None, **more: Any) -> dict[str, Any]:
    """An environ."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "192.0.2.1",
        "REMOTE_PORT": "5",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": host,
        "HTTP_ORIGIN": origin,
        HEADERS: [],
        **more,
    }
    return {name: value for name, value in environ.items() if value is not None}


def status(
    host: str | None, origin: str | None = None, access: Access = ACCESS, **more: Any
) -> str:
    """What becomes of a request with these headers."""
    try:
        answer = access.check(request(host, origin, **more))
    except HTTPError as refused:
        return refused.status[:3]
    return "let in" if answer is None else answer.status[:3]


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8000", "LOCALHOST", "localhost.", "dash.localhost:1",
        "127.0.0.1", "127.0.0.1:8000", "192.168.1.20:80", "[::1]", "[::1]:8000", "[fe80::1]:80",
        "box", "BOX:8000", "box.local", "box.local.:80",
    ],
)  # fmt: skip
def test_our_own_names_and_addresses(host: str) -> None:
    """An address cannot be rebound, and these names are ours, in any case and with the root's dot."""
    assert status(host) == "let in"


@pytest.mark.parametrize(
    "host",
    [
        "evil.com", "evil.com:8000", "localhost.evil.com", "127.0.0.1.evil.com", "evil.com.", "xlocalhost",
        "notbox", "box.evil.com", "0x7f.1", "2130706433", "127.1", "box.local.evil", "localhost%00", "loc alhost",
    ],
)  # fmt: skip
def test_rebound_names(host: str) -> None:
    """A name of somebody else's that was made to point here."""
    assert status(host) == "403"


@pytest.mark.parametrize(
    "host",
    [
        None, "", ":80", "[::1", "::1", "box:port", "box:99999", "user@box", "box/path", "box?x", "box#x",
        "box,evil.com", "[::1]evil:80", "evil.com[::1]", "evil.com[::1]:80", "http://box", "[box]", "box:80:80",
        "box:080", "box:", "box:+80",
    ],
)  # fmt: skip
def test_no_host_at_all(host: str | None) -> None:
    """What is no authority is a bad request, and in no case let in."""
    assert status(host) in {"400", "403"}
    assert status(host, f"http://{host}") in {"400", "403"}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("localhost", "http://localhost"),
        ("LocalHost:8000", "http://localhost:8000"),
        ("box", "https://box"),  # behind a proxy that ends TLS
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("[::1]:1", "http://[::1]:1"),
    ],
)
def test_own_pages(host: str, origin: str) -> None:
    """The Origin is the Host."""
    assert status(host, origin) == "let in"


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "localhost:8000", "http://", "http://localhost", "http://localhost:80",
        "http://localhost:8001", "http://127.0.0.1:8000", "http://box:8000", "http://evil.com",
        "http://localhost.evil.com", "http://localhost.evil.com:8000", "http://localhost:8000.evil.com",
        "http://localhost:8000@evil.com", "http://evil.com@localhost:8000", "http://localhost:8000/",
        "http://localhost:8000/x", "http://localhost:8000,http://evil.com", "file://localhost:8000",
        "ws://localhost:8000", "HTTP://localhost:8000", "chrome-extension://localhost:8000",
        " http://localhost:8000", "http://localhost:8000 ", "http://[localhost]:8000", "https//localhost:8000",
    ],
)  # fmt: skip
def test_pages_of_others(origin: str) -> None:
    """Another site, port or scheme; a prefix or a suffix is not enough; null is a sandboxed page."""
    assert status("localhost:8000", origin) == "403"


@given(st.text(), st.none() | st.text())
def test_any_header_is_let_in_or_refused(host: str, origin: str | None) -> None:
    """Nothing else escapes."""
    assert status(host, origin) in {"let in", "400", "403"}
    if origin is not None and not origin.startswith(("http://", "https://")):
        assert status("localhost", origin) == "403"


@pytest.mark.parametrize(("scheme", "let_in"), [("https", "let in"), ("http", "403")])
def test_over_tls_a_page_without_tls_is_not_ours(scheme: str, let_in: str) -> None:
    """Whoever sits on the line can answer for http://box, and would read what https://box has."""
    over_tls: dict[str, Any] = {"wsgi.url_scheme": "https"}
    assert status("box", f"{scheme}://box", **over_tls) == let_in


def cors(origin: str | None, method: str = "GET", **more: Any) -> tuple[str, dict[str, str]]:
    """What becomes of a request of a page, and every header that the answer would carry."""
    environ = request("box", origin, REQUEST_METHOD=method, **more)
    answer = ALLOWING.check(environ)
    headers = [*environ[HEADERS], *(answer.headers if answer else ())]
    return (answer.status[:3] if answer else "let in"), dict(headers)


@pytest.mark.parametrize("origin", ["https://home.example", "http://tiles.example:3000"])
def test_pages_of_an_allowed_origin(origin: str) -> None:
    """They are let in and told so; a preflight needs no token, and offers reading only."""
    wanted = {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
    }
    assert cors(origin) == ("let in", wanted)
    preflight = cors(origin, "OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET")
    assert preflight[0] == "204"
    assert wanted.items() <= preflight[1].items()
    assert preflight[1]["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert preflight[1]["Access-Control-Allow-Headers"] == "Authorization"


def test_without_an_origin_nothing_is_allowed_to_anybody() -> None:
    """But caches are told that it would make a difference."""
    assert cors(None) == ("let in", {"Vary": "Origin"})
    assert cors("http://box") == ("let in", {"Vary": "Origin"})
    assert request("box", "http://box")[HEADERS] == []


@pytest.mark.parametrize(
    "origin",
    ["http://home.example", "https://home.example:8443", "https://home.example.evil.com", "null",
     "https://evil.com", "https://homeXexample", "https://home.example/"],
)  # fmt: skip
def test_pages_of_other_origins_get_no_cors_headers(origin: str) -> None:
    """Nor does their preflight."""
    for method in ("GET", "OPTIONS"):
        environ = request(
            "box", origin, REQUEST_METHOD=method, HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET"
        )
        with pytest.raises(HTTPError, match="403"):
            ALLOWING.check(environ)
        assert environ[HEADERS] == [("Vary", "Origin")]


def test_an_allowed_origin_does_not_stand_for_a_host() -> None:
    """What a page may do and what we are called are two things."""
    assert status("home.example", "https://home.example", ALLOWING) == "403"


def test_host_and_origin_come_before_the_token() -> None:
    """A page of a stranger learns nothing about tokens, and costs no try."""
    login = Login((Token("a", "x" * 16),))
    access = Access(("box",), login=login)
    wrong = {"HTTP_AUTHORIZATION": "Bearer wrong"}
    assert status("evil.com", None, access, **wrong) == "403"
    assert status("box", "http://evil.com", access, **wrong) == "403"
    assert login.throttle.failed == 0
    assert status("box", None, access, **wrong) == "401"
    assert access.refused_tokens == login.throttle.failed == 1
    for _ in range(10):
        status("box", None, access, **wrong)
    assert access.refused_tokens == 11


def test_the_proxy_s_word_counts_for_the_origin() -> None:
    """Behind a proxy that speaks TLS our page is https://box, and nothing else is."""
    access = Access(("box",), proxies=Proxies(("192.0.2.1",)))
    forwarded = {"HTTP_X_FORWARDED_PROTO": "https"}
    assert status("box", "https://box", access, **forwarded) == "let in"
    assert status("box", "http://box", access, **forwarded) == "403"
