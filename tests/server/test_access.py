"""Host and Origin: who is let in, by tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.server.access import Access
from telemetry_stream.server.answer import HTTPError

ACCESS = Access(("Box", "box.local."))


def status(host: str | None, origin: str | None = None) -> str:
    """What becomes of a request with these headers."""
    environ = {"HTTP_HOST": host, "HTTP_ORIGIN": origin}
    try:
        ACCESS.check({name: value for name, value in environ.items() if value is not None})
    except HTTPError as refused:
        return refused.status[:3]
    return "let in"


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
