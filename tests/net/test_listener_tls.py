"""A listener with a TLS context: loaded with it, spoken by its handlers, and changed under them."""

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
from tests.net.conversation import HOST, echo
from tests.net.listening import connect, listening
from tests.net.pairs import CERTIFICATE, read_exactly, read_to_end, soon

OTHER_CERTIFICATE = CERTIFICATE.parent / "other.pem"
ROOT = Path(__file__).parent.parent.parent


def test_a_new_context_is_for_the_connections_to_come() -> None:
    """Those that are open keep the old certificate and never notice."""
    trusting_old, trusting_new = (
        ssl.create_default_context(cafile=path) for path in (CERTIFICATE, OTHER_CERTIFICATE)
    )
    contexts = [server_context(str(path), str(path)) for path in (CERTIFICATE, OTHER_CERTIFICATE)]

    def echo_bytes(transport: Transport) -> None:
        while data := transport.recv(100, soon()):
            transport.send(data, soon())

    with (
        listening(echo_bytes, ssl_context=contexts[0]) as listener,
        trusting_old.wrap_socket(connect(listener), server_hostname="localhost") as old,
    ):
        old.sendall(b"before")
        assert read_exactly(old, 6) == b"before"
        listener.ssl_context = contexts[1]
        with trusting_new.wrap_socket(connect(listener), server_hostname="localhost") as new:
            new.sendall(b"new")
            assert read_exactly(new, 3) == b"new"
            new.unwrap()
        old.sendall(b"after")
        assert read_exactly(old, 5) == b"after"
        old.unwrap()


def test_https_end_to_end() -> None:
    """With a context the same handler speaks TLS; one that does not is let go and counted nowhere."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    schemes: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        schemes.append(environ["wsgi.url_scheme"])
        return echo(environ, start_response)

    with listening(lambda transport: serve(transport, app), ssl_context=context) as listener:
        with connect(listener) as plain:
            plain.sendall(b"GET /" + HOST)
            assert b"HTTP" not in read_to_end(plain)
        trusting = ssl.create_default_context(cafile=CERTIFICATE)
        with trusting.wrap_socket(connect(listener), server_hostname="localhost") as client:
            client.sendall(b"GET /secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_to_end(client).endswith(b"GET /secret?\n")
        assert schemes == ["https"]
        assert listener.stats().crashed == 0


@pytest.mark.parametrize("context", ["None", "__import__('ssl').create_default_context()"])
def test_tls_is_loaded_at_the_start_or_never(context: str) -> None:
    """A board without TLS pays neither its memory nor its time; with it, its first peer may find no descriptor left."""
    code = f"""
import sys
from telemetry_stream.net import http, listener
listener.Listener(("127.0.0.1", 0), print, ssl_context={context})
print({{"ssl", "telemetry_stream.net.tls"}} & sys.modules.keys() or None)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        check=True,
    )
    assert (ran.stdout == "None\n") == (context == "None")
    assert ("telemetry_stream.net.tls" in ran.stdout) == (context != "None")
