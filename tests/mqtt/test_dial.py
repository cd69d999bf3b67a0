"""Connecting to a broker: each step has a deadline and ends when the program stops."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ports import bound_socket

from telemetry_stream.mqtt import dial
from telemetry_stream.mqtt.brokers import Access, Broker
from telemetry_stream.mqtt.dial import Dialer, DialError
from telemetry_stream.mqtt.waiter import HasFileno, StoppedError, Waiter
from tests.conftest import eventually
from tests.stream.streaming import WAIT_SECONDS, Clock

CERTIFICATE = str(Path(__file__).parent.parent / "fixtures/tls/localhost.pem")


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    """An open waiter."""
    opened = Waiter()
    opened.open()
    yield opened
    opened.close()


@contextmanager
def tls_server() -> Iterator[int]:
    """Accept TLS connections, and yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        try:
                            context.wrap_socket(connection, server_side=True).close()
                        except OSError:
                            continue
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_it_connects_by_address_and_by_name(waiter: Waiter) -> None:
    """To a socket that does not block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with Dialer(waiter).connect(Broker(host, port, False), None) as opened:
                assert not opened.getblocking()
                assert opened.getpeername()[1] == port


def test_tls_verifies_certificate_and_name(waiter: Waiter) -> None:
    """With the CA of the settings."""
    context = Access(ca=CERTIFICATE).context()
    with tls_server() as port:
        Dialer(waiter).connect(Broker("localhost", port, True), context).close()
        with pytest.raises(DialError, match="certificate is not valid"):
            Dialer(waiter).connect(Broker("localhost", port, True), Access().context())


def test_a_refused_connection_is_reported(waiter: Waiter) -> None:
    """With the words of the system."""
    with bound_socket() as held:  # it does not listen
        port = held.getsockname()[1]
        with pytest.raises(DialError, match="Connection refused"):
            Dialer(waiter).connect(Broker("127.0.0.1", port, False), None)


def test_a_name_without_an_address_is_reported(
    waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the name servers do not have it, or it cannot be a name."""
    with pytest.raises(DialError, match="looked up: not a host name"):
        Dialer(waiter).connect(Broker("a..b", 1883, False), None)

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DialError, match="looked up: Name or service not known"):
        Dialer(waiter).connect(Broker("broker.example", 1883, False), None)


def test_a_server_that_does_not_answer_tls_costs_a_bounded_time(
    waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen broker accepts connections, because its kernel does."""
    monkeypatch.setattr(dial, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker = Broker("127.0.0.1", server.getsockname()[1], True)
        with pytest.raises(DialError, match="no answer"):
            Dialer(waiter).connect(broker, Access(ca=CERTIFICATE).context())


def test_a_stop_ends_it(waiter: Waiter) -> None:
    """During the handshake with a server that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker = Broker("127.0.0.1", server.getsockname()[1], True)
        threading.Timer(0.05, waiter.stop).start()
        with pytest.raises(StoppedError):
            Dialer(waiter).connect(broker, Access(ca=CERTIFICATE).context())


def test_a_name_server_that_hangs_costs_one_thread(
    waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempts wait for the same lookup, and use its result when it comes."""
    monkeypatch.setattr(dial, "CONNECT_SECONDS", 0.1)
    answers, calls = threading.Event(), []
    real = socket.getaddrinfo

    def hanging(host: str, port: int, *, flags: int, **options: Any) -> Any:
        if flags == 0:
            calls.append(host)
            answers.wait(20)
        return real("127.0.0.1" if flags == 0 else host, port, flags=flags, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    dialer = Dialer(waiter)
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker = Broker("broker.example", server.getsockname()[1], False)
        for _ in range(3):
            with pytest.raises(DialError, match="name server"):
                dialer.connect(broker, None)
        assert eventually(lambda: calls == ["broker.example"])
        answers.set()
        monkeypatch.setattr(dial, "CONNECT_SECONDS", 10.0)
        dialer.connect(broker, None).close()


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two addresses, the first one gets half of the time."""
    clock, waits = Clock(), list[float]()

    def wait(seconds: float, waited: HasFileno, events: int) -> bool:
        """Take all of the time at first, and none after that: the time is invented."""
        waits.append(seconds)
        if len(waits) > 1:
            return Waiter.wait(waiter, WAIT_SECONDS, waited, events)
        clock.now += seconds
        return Waiter.wait(waiter, 0, waited, events)

    monkeypatch.setattr(waiter, "wait", wait)
    monkeypatch.setattr(dial, "time", SimpleNamespace(monotonic=clock))
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as waiting:
        # Fills the backlog, so that the next one gets no answer.
        waiting.connect(full.getsockname())
        with socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(full.getsockname())
            with socket.create_server(("127.0.0.1", 0)) as server:
                addresses = [
                    (socket.AF_INET, full.getsockname()),
                    (socket.AF_INET, server.getsockname()),
                ]
                monkeypatch.setattr(dial, "_look_up", lambda *_: addresses)
                with Dialer(waiter).connect(Broker("x", 1, False), None) as opened:
                    assert opened.getpeername() == server.getsockname()
    assert waits[0] == dial.CONNECT_SECONDS / 2
