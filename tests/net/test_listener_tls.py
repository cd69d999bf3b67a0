"""A listener with a TLS context: when it is loaded, used, and replaced."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.net.http import serve
from telemetry_stream.net.tls_context import server_context
from telemetry_stream.net.transport import Transport
from tests.net.conversation import HOST, LIMITS, echo
from tests.net.listening import connect, hold, listening
from tests.net.pairs import CERTIFICATE, read_exactly, read_to_end, soon
from tests.net.tls_pairs import CONTEXT

OTHER_CERTIFICATE = CERTIFICATE.parent / "other.pem"
ROOT = Path(__file__).parent.parent.parent


def test_new_context_is_used_by_new_connections() -> None:
    """Open connections keep the old certificate, and continue."""
    trusting_old, trusting_new = (
        ssl.create_default_context(cafile=path) for path in (CERTIFICATE, OTHER_CERTIFICATE)
    )

    def echo_bytes(transport: Transport) -> None:
        while data := transport.recv(100, soon()):
            transport.send(data, soon())

    with (
        listening(echo_bytes, ssl_context=CONTEXT) as listener,
        trusting_old.wrap_socket(connect(listener), server_hostname="localhost") as old,
    ):
        old.sendall(b"before")
        assert read_exactly(old, 6) == b"before"
        listener.ssl_context = server_context(str(OTHER_CERTIFICATE), str(OTHER_CERTIFICATE))
        with trusting_new.wrap_socket(connect(listener), server_hostname="localhost") as new:
            new.sendall(b"new")
            assert read_exactly(new, 3) == b"new"
            new.unwrap()
        old.sendall(b"after")
        assert read_exactly(old, 5) == b"after"
        old.unwrap()


def test_handler_may_write_first() -> None:
    """The handshake is done before the handler runs."""
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    with (
        listening(hold, ssl_context=CONTEXT) as listener,
        trusting.wrap_socket(connect(listener), server_hostname="localhost") as client,
    ):
        assert read_exactly(client, 9) == b"ts-conn0\n"


def test_https_end_to_end() -> None:
    """The same handler serves TLS. A client without TLS is disconnected before it, which counts as no crash."""
    schemes: list[str] = []
    handled: list[Transport] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        schemes.append(environ["wsgi.url_scheme"])
        return echo(environ, start_response)

    def handle(transport: Transport) -> None:
        handled.append(transport)
        serve(transport, app, LIMITS, ())

    with listening(handle, ssl_context=CONTEXT) as listener:
        with connect(listener) as plain:
            plain.sendall(b"GET /" + HOST)
            assert b"HTTP" not in read_to_end(plain)
        assert handled == []
        trusting = ssl.create_default_context(cafile=CERTIFICATE)
        with trusting.wrap_socket(connect(listener), server_hostname="localhost") as client:
            client.sendall(b"GET /secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_to_end(client).endswith(b"GET /secret?\n")
        assert schemes == ["https"]
        assert listener.stats().crashed == 0


@pytest.mark.parametrize("context", ["None", "__import__('ssl').create_default_context()"])
def test_tls_is_loaded_at_the_start_or_never(context: str) -> None:
    """Without TLS its memory and time are saved; with TLS, a descriptor to load it may be missing later."""
    code = f"""
import sys
from telemetry_stream.net import http
from tests.net.listening import make_listener
before = sys.modules.keys() & {{"ssl", "telemetry_stream.net.tls"}}
make_listener(print, ssl_context={context})
print(*before, "/", *sys.modules.keys() & {{"ssl", "telemetry_stream.net.tls"}})
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        check=True,
    )
    before, after = ran.stdout.split("/")
    assert before.split() == []
    assert ("telemetry_stream.net.tls" in after) == (context != "None")
    assert ("ssl" in after.split()) == (context != "None")
