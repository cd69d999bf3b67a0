"""Connections to other servers: within the deadline, with a verified certificate, and ended at any time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.dial import NO_ROUTE, Authorities, Dialer, Endpoint, TlsError
from telemetry_stream.net.listener import Listener
from telemetry_stream.net.tls_context import server_context
from telemetry_stream.net.transport import Transport
from tests.conftest import eventually

TLS = Path(__file__).parent.parent / "fixtures/tls"


def echo(transport: Transport) -> None:
    """Send back what comes first."""
    transport.send(transport.recv(1000, time.monotonic() + 10), time.monotonic() + 10)


@contextmanager
def serving(certificate: str | None = None, host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """Serve ``echo`` on a port of loopback, with TLS if there is a certificate."""
    path = str(TLS / certificate) if certificate else ""
    listener = Listener(
        (host, 0),
        echo,
        max_connections=10,
        per_address=PerAddress(10),
        ssl_context=server_context(path, path) if path else None,
        headers=(),
        on_crash=lambda error: pytest.fail(repr(error)),
    )
    listener.start()
    try:
        yield listener.address
    finally:
        assert listener.close(time.monotonic() + 10)


def dialing(host: str, port: int, *, secure: bool = False) -> Dialer:
    """Return a dialer with authorities of its own."""
    return Dialer(Endpoint(host, port, secure), Authorities())


def echoed(dialer: Dialer) -> bytes:
    """Connect, and return what the server sends back."""
    transport = dialer.connect(time.monotonic() + 10)
    try:
        transport.send(b"hello", time.monotonic() + 10)
        return transport.recv(100, time.monotonic() + 10)
    finally:
        transport.shutdown()
        transport.close()


def test_a_name_or_an_address_is_connected_to() -> None:
    """One connection after the other."""
    with serving() as (_, port):
        for host in ("127.0.0.1", "localhost"):
            dialer = dialing(host, port)
            assert [echoed(dialer), echoed(dialer)] == [b"hello", b"hello"]


def test_a_trusted_certificate_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL reads additional authorities from SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.pem"))
    with serving("localhost.pem") as (_, port):
        assert echoed(dialing("localhost", port, secure=True)) == b"hello"


def test_an_untrusted_certificate_is_refused() -> None:
    """Nothing is sent to such a server."""
    with (
        serving("localhost.pem") as (_, port),
        pytest.raises(TlsError, match="the certificate is not valid"),
    ):
        dialing("localhost", port, secure=True).connect(time.monotonic() + 10)


def test_authorities_are_loaded_once_until_they_are_reloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For all connections of an owner, however many threads make them."""
    loaded = []

    def load() -> ssl.SSLContext:
        loaded.append(threading.get_ident())
        return default()

    default = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", load)
    authorities = Authorities()
    with serving("localhost.pem") as (_, port):
        dialers = [Dialer(Endpoint("localhost", port, True), authorities) for _ in range(4)]

        def attempt(dialer: Dialer) -> None:
            with pytest.raises(TlsError):
                dialer.connect(time.monotonic() + 10)

        threads = [threading.Thread(target=attempt, args=(dialer,)) for dialer in dialers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.pem"))
        attempt(dialers[0])
        assert len(loaded) == 1
        authorities.reload()
        assert [echoed(dialer) for dialer in dialers] == [b"hello"] * 4
        assert len(loaded) == 2


def test_a_certificate_for_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although its authority is trusted: it is for localhost and 127.0.0.1."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.pem"))
    with (
        serving("localhost.pem", "127.0.0.2") as (host, port),
        pytest.raises(TlsError, match="the certificate is not valid"),
    ):
        dialing(host, port, secure=True).connect(time.monotonic() + 10)


def test_a_server_without_tls_is_a_tls_error() -> None:
    """It answers, but not as we require."""
    with serving() as (_, port), pytest.raises(TlsError) as caught:
        dialing("127.0.0.1", port, secure=True).connect(time.monotonic() + 10)
    assert "TLS failed: " in str(caught.value)
    assert not isinstance(caught.value, ssl.SSLError)


def test_a_refusal_has_its_own_error() -> None:
    """It shows that the host is up."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # not listening
        with pytest.raises(ConnectionRefusedError):
            dialing("127.0.0.1", bound.getsockname()[1]).connect(time.monotonic() + 10)


@pytest.mark.parametrize("order", [1, -1])
def test_an_address_without_a_route_does_not_hide_what_another_shows(
    order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name may have an IPv6 address although this host has no IPv6."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # not listening
        addresses = [bound.getsockname(), ("255.255.255.255", 9)][::order]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(ConnectionRefusedError):
            dialing("web1", 1).connect(time.monotonic() + 10)
        found[:] = [one for one in found if one[4][1] == 9]
        with pytest.raises(OSError, match="unreachable") as caught:
            dialing("web1", 1).connect(time.monotonic() + 10)
        assert caught.value.errno in NO_ROUTE


def test_a_name_without_address_is_an_error() -> None:
    """RFC 6761 reserves the ending."""
    with pytest.raises(socket.gaierror):
        dialing("box.invalid", 1).connect(time.monotonic() + 10)


@pytest.mark.parametrize("name", ["a..b", ".foo", "x" * 64 + ".example"])
def test_a_text_that_no_name_can_be_is_the_same_error(name: str) -> None:
    """getaddrinfo raises UnicodeError for it."""
    with pytest.raises(socket.gaierror, match="not a host name") as caught:
        dialing(name, 1).connect(time.monotonic() + 10)
    assert caught.value.errno == socket.EAI_NONAME


@contextmanager
def silent_server() -> Iterator[int]:
    """A port whose connections the kernel accepts, and nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_silent_server_ends_at_the_deadline() -> None:
    """In the middle of the TLS handshake."""
    with silent_server() as port, pytest.raises(TimeoutError):
        dialing("127.0.0.1", port, secure=True).connect(time.monotonic() + 0.05)


def test_an_attempt_can_be_aborted() -> None:
    """By another thread, at once; later attempts fail too."""
    errors: list[OSError] = []

    def attempt(connect: Callable[[float], Transport]) -> None:
        try:
            connect(time.monotonic() + 3600)
        except OSError as error:
            errors.append(error)

    with silent_server() as port:
        authorities = Authorities()
        dialer = Dialer(Endpoint("127.0.0.1", port, secure=True), authorities)
        thread = threading.Thread(target=attempt, args=(dialer.connect,), daemon=True)
        thread.start()
        assert eventually(lambda: authorities._context is not None)
        dialer.abort()
        thread.join(10)
        attempt(dialer.connect)
    assert len(errors) == 2
