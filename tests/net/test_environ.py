"""The head of a request, as an application gets it."""

from __future__ import annotations

import sys
from typing import Any
from wsgiref.types import StartResponse

import h11
import pytest

from telemetry_stream.net.environ import announces_body
from tests.net.conversation import HOST, ask, echo, statuses


def environ_for(request: bytes) -> dict[str, Any]:
    """Return the environ that an application gets for ``request``."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        seen.update(environ)
        return echo(environ, start_response)

    assert statuses(ask(app, request)) == [200]
    return seen


def test_environ_has_the_variables_of_pep_3333() -> None:
    """With the addresses of both ends; repeated headers are joined; a header with an underscore is left out."""
    environ = environ_for(
        b"GET /a%20b/%C3%A9?x=%20&y HTTP/1.1\r\nHost: h:1\r\nX-One: 1\r\nX-Two: a\r\nx-two: b\r\n"
        b"Cookie: c=1\r\nCookie: d=2\r\nContent-Type: t\r\nX_One: spoofed\r\nX_Three: 3\r\n\r\n"
    )
    expected = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/é".encode().decode("latin-1"),
        "QUERY_STRING": "x=%20&y",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "t",
        "HTTP_HOST": "h:1",
        "HTTP_X_ONE": "1",
        "HTTP_X_TWO": "a,b",
        "HTTP_COOKIE": "c=1; d=2",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    assert {key: environ.get(key) for key in expected} == expected
    assert "HTTP_X_THREE" not in environ
    assert environ["SERVER_PORT"].isdigit()
    assert environ["REMOTE_PORT"].isdigit()
    assert environ["SERVER_PORT"] != environ["REMOTE_PORT"]
    assert environ["wsgi.input"].read() == b""
    assert environ["wsgi.errors"] is sys.stderr


@pytest.mark.parametrize(
    ("target", "host", "path", "query"),
    [
        (b"/", "x", "/", ""),
        (b"//evil/..", "x", "//evil/..", ""),
        (b"/a?b?c", "x", "/a", "b?c"),
        (b"/a%3Fb", "x", "/a?b", ""),
        (b"http://other:8/p?q", "other:8", "/p", "q"),
        (b"HTTPS://other", "other", "/", ""),
        (b"http://other?q", "other", "/", "q"),
        (b"http://other?q/r", "other", "/", "q/r"),
        (b"/http://other/", "x", "/http://other/", ""),
    ],
)
def test_forms_of_the_request_target(target: bytes, host: str, path: str, query: str) -> None:
    """The host of an absolute URL replaces the Host header (RFC 9112 section 3.2.2)."""
    environ = environ_for(b"GET " + target + HOST)
    assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == (
        host,
        path,
        query,
    )


def test_options_asterisk_reaches_the_application() -> None:
    """It is the only request without a path."""
    assert environ_for(b"OPTIONS *" + HOST)["PATH_INFO"] == "*"


def test_tabs_and_bytes_above_ascii_are_allowed_in_a_header() -> None:
    """A tab is white space (RFC 9110 section 5.5), and other bytes are decoded as Latin-1 (PEP 3333)."""
    environ = environ_for(b"GET / HTTP/1.1\r\nHost: x\r\nX: a\tb\xe9\r\n\r\n")
    assert environ["HTTP_X"] == "a\tbé"


@pytest.mark.parametrize("header", [b"Content-Length: 0", b"Content_Length: 5"])
def test_no_header_announces_a_body_to_the_application(header: bytes) -> None:
    """Bodies are not read, so an application must not wait for one."""
    environ = environ_for(b"GET / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
    assert not {"CONTENT_LENGTH", "HTTP_CONTENT_LENGTH"} & environ.keys()


@pytest.mark.parametrize(
    ("method", "headers", "announced"),
    [
        ("POST", [], False),
        ("POST", [("Content-Length", "0")], False),
        ("POST", [("Content-Length", "1")], True),
        ("POST", [("Transfer-Encoding", "chunked")], True),
        ("GET", [("Transfer-Encoding", "chunked")], True),
    ],
)
def test_headers_that_announce_a_body(
    method: str, headers: list[tuple[str, str]], announced: bool
) -> None:
    """Any length but 0, and any transfer coding."""
    request = h11.Request(method=method, target="/", headers=[("Host", "x"), *headers])
    assert announces_body(request) is announced
