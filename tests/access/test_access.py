"""Host and Origin: tables of accepted and refused requests."""

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
    """Return the environ of a request with these headers; None leaves a header out."""
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
    """Return "accepted", or the status of the answer to a request with these headers."""
    environ = request(host, origin, **more)
    access.identify(environ)
    try:
        answer = access.maybe_answer(environ)
    except HTTPError as refused:
        return refused.status[:3]
    return "accepted" if answer is None else answer.status[:3]


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8000", "LOCALHOST", "localhost.", "dash.localhost:1",
        "127.0.0.1", "127.0.0.1:8000", "192.168.1.20:80", "[::1]", "[::1]:8000", "[fe80::1]:80",
        "box", "BOX:8000", "box.local", "box.local.:80",
    ],
)  # fmt: skip
def test_our_names_and_all_addresses_are_accepted(host: str) -> None:
    """Names compare in any case and with a trailing dot. An address cannot be rebound, so each one is accepted."""
    assert status(host) == "accepted"


@pytest.mark.parametrize(
    "host",
    [
        "evil.com", "evil.com:8000", "localhost.evil.com", "127.0.0.1.evil.com", "evil.com.", "xlocalhost",
        "notbox", "box.evil.com", "0x7f.1", "2130706433", "127.1", "box.local.evil", "localhost%00", "loc alhost",
    ],
)  # fmt: skip
def test_other_names_are_refused(host: str) -> None:
    """The owner of such a name may have changed it to our address (DNS rebinding)."""
    assert status(host) == "403"


@pytest.mark.parametrize(
    "host",
    [
        None, "", ":80", "[::1", "::1", "box:port", "box:99999", "user@box", "box/path", "box?x", "box#x",
        "box,evil.com", "[::1]evil:80", "evil.com[::1]", "evil.com[::1]:80", "http://box", "[box]", "box:80:80",
        "box:080", "box:", "box:+80",
    ],
)  # fmt: skip
def test_a_malformed_host_is_refused(host: str | None) -> None:
    """An Origin with the same text does not help."""
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
def test_our_own_pages_are_accepted(host: str, origin: str) -> None:
    """Their Origin is the same as the Host."""
    assert status(host, origin) == "accepted"


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
def test_pages_of_other_origins_are_refused(origin: str) -> None:
    """Another site, port or scheme, a common prefix or suffix, and null, which is a sandboxed page."""
    assert status("localhost:8000", origin) == "403"


@given(st.text(), st.none() | st.text())
def test_any_header_is_accepted_or_refused(host: str, origin: str | None) -> None:
    """No header makes the check raise another exception."""
    assert status(host, origin) in {"accepted", "400", "403"}
    if origin is not None and not origin.startswith(("http://", "https://")):
        assert status("localhost", origin) == "403"


@pytest.mark.parametrize(("scheme", "expected"), [("https", "accepted"), ("http", "403")])
def test_a_tls_server_refuses_pages_without_tls(scheme: str, expected: str) -> None:
    """An attacker on the network can serve http://box, and such a page must not read https://box."""
    over_tls: dict[str, Any] = {"wsgi.url_scheme": "https"}
    assert status("box", f"{scheme}://box", **over_tls) == expected


def cors(origin: str | None, method: str = "GET", **more: Any) -> tuple[str, dict[str, str]]:
    """Return the status of a page's request, and all headers that its answer has from the check."""
    environ = request("box", origin, REQUEST_METHOD=method, **more)
    answer = ALLOWING.maybe_answer(environ)
    headers = [*environ[HEADERS], *(answer.headers if answer else ())]
    return (answer.status[:3] if answer else "accepted"), dict(headers)


@pytest.mark.parametrize("origin", ["https://home.example", "http://tiles.example:3000"])
def test_pages_of_a_configured_origin_get_cors_headers(origin: str) -> None:
    """A preflight needs no token, and allows reading only."""
    wanted = {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
    }
    assert cors(origin) == ("accepted", wanted)
    preflight = cors(origin, "OPTIONS", HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET")
    assert preflight[0] == "204"
    assert wanted.items() <= preflight[1].items()
    assert preflight[1]["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert preflight[1]["Access-Control-Allow-Headers"] == "Authorization"


def test_without_another_origin_there_are_no_cors_headers() -> None:
    """Vary is sent if origins are configured, because a cache must then separate the answers."""
    assert cors(None) == ("accepted", {"Vary": "Origin"})
    assert cors("http://box") == ("accepted", {"Vary": "Origin"})
    assert request("box", "http://box")[HEADERS] == []


@pytest.mark.parametrize(
    "origin",
    ["http://home.example", "https://home.example:8443", "https://home.example.evil.com", "null",
     "https://evil.com", "https://homeXexample", "https://home.example/"],
)  # fmt: skip
def test_pages_of_other_origins_get_no_cors_headers(origin: str) -> None:
    """Answers to such a page and to its preflight have no CORS headers."""
    for method in ("GET", "OPTIONS"):
        environ = request(
            "box", origin, REQUEST_METHOD=method, HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET"
        )
        with pytest.raises(HTTPError, match="403"):
            ALLOWING.maybe_answer(environ)
        assert environ[HEADERS] == [("Vary", "Origin")]


def test_requests_of_other_sites_without_an_origin_are_refused() -> None:
    """Browsers send no Origin with an image, for example. A link and our own page are accepted."""
    image: dict[str, Any] = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "no-cors"}
    assert status("box", None, **image) == "403"
    assert status("box", None, **{**image, "HTTP_SEC_FETCH_SITE": "same-site"}) == "403"
    assert status("box", None, **{**image, "HTTP_SEC_FETCH_SITE": "same-origin"}) == "accepted"
    assert status("box", None, **{**image, "HTTP_SEC_FETCH_MODE": "navigate"}) == "accepted"
    assert status("box", "http://box", **image) == "403"
    with pytest.raises(HTTPError, match="Requests of other sites are not allowed"):
        ACCESS.maybe_answer(request("box", **image))


def test_a_configured_origin_may_request_from_another_site() -> None:
    """Only with its Origin, which browsers send with requests whose answers a page can read."""
    page: dict[str, Any] = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "cors"}
    assert status("box", "https://home.example", ALLOWING, **page) == "accepted"
    assert status("box", None, ALLOWING, **page) == "403"


def test_a_configured_origin_is_not_an_allowed_host() -> None:
    """The lists of origins and of names are separate."""
    assert status("home.example", "https://home.example", ALLOWING) == "403"


def test_errors_repeat_the_header_and_name_the_flag() -> None:
    """The text is for the user, and is bounded."""
    with pytest.raises(HTTPError) as refused:
        ACCESS.maybe_answer(request("evil.example:80"))
    assert refused.value.message == (
        "Host 'evil.example' is not allowed (add it with `--allow-host`)"
    )
    with pytest.raises(HTTPError) as refused:
        ACCESS.maybe_answer(request("box", "https://" + "x" * 1000))
    assert refused.value.message == (
        f"Origin 'https://{'x' * 92}' is not allowed (add it with `--allow-origin`)"
    )


def test_host_and_origin_are_checked_before_the_token() -> None:
    """So a page of another site learns nothing about tokens, and its token is not counted."""
    login = Login()
    login.tokens = (Token("a", "x" * 16),)
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


def test_the_scheme_reported_by_a_trusted_proxy_is_used_for_the_origin() -> None:
    """Behind a proxy that ends TLS, only https://box is our page."""
    access = Access(("box",), proxies=Proxies(("192.0.2.1",)))
    forwarded = {"HTTP_X_FORWARDED_PROTO": "https"}
    assert status("box", "https://box", access, **forwarded) == "accepted"
    assert status("box", "http://box", access, **forwarded) == "403"
