"""The limits per address, as the settings and the trusted proxies define them."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

import pytest

from telemetry_stream import App, Settings
from tests.viewers import bare_socket, upgrade_request


class RemotePeer(socket.socket):
    """An accepted connection whose peer has the address 192.0.2.1, which is not a loopback address."""

    def getpeername(self) -> tuple[str, int]:
        return ("192.0.2.1", super().getpeername()[1])


class RemotePeers(socket.socket):
    """A listening socket on loopback whose connections all come from 192.0.2.1.

    Loopback has no limits per address, and the machine may have no other address to connect from.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))

    def accept(self) -> tuple[socket.socket, Any]:
        sock, _ = super().accept()
        peer = RemotePeer(fileno=sock.detach())
        return peer, peer.getpeername()


def statuses(settings: Settings, *clients: str) -> list[int]:
    """Connect a viewer for each of ``clients`` through a proxy at 192.0.2.1; return the status of each handshake."""
    found = []
    with App(settings, listening=RemotePeers()) as app, ExitStack() as stack:
        for client in clients:
            header = f"X-Forwarded-For: {client}\r\n\r\n"
            request = upgrade_request()[:-2] + header.encode()
            viewer = stack.enter_context(bare_socket(app.url, request))
            found.append(int(viewer.recv(12)[-3:]))
    return found


CLIENTS = [f"192.0.2.{number}" for number in (11, 12, 13, 14, 11)]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"max_connections_per_address": 2}, [101, 101, 429, 429, 429]),
        ({"max_viewers_per_address": 3}, [101, 101, 101, 429, 429]),
    ],
    ids=["connections", "viewers"],
)
def test_an_address_has_limits(limits: dict[str, Any], expected: list[int]) -> None:
    """For connections and for viewers. A proxy that is not trusted is an address like any other."""
    assert statuses(Settings(port=0, **limits), *CLIENTS) == expected


def test_a_trusted_proxy_has_no_limit_of_connections() -> None:
    """It stands for many clients. Each client that it names has its own limit of viewers."""
    settings = Settings(
        port=0,
        trust_proxy="192.0.2.1",
        max_connections_per_address=2,
        max_viewers_per_address=1,
    )
    assert statuses(settings, *CLIENTS) == [101, 101, 101, 101, 429]


def test_loopback_has_no_limits() -> None:
    """A reverse proxy or an SSH tunnel on this host stands for many clients too."""
    settings = Settings(port=0, max_connections_per_address=1, max_viewers_per_address=1)
    with App(settings) as app, ExitStack() as stack:
        for _ in range(3):
            viewer = stack.enter_context(bare_socket(app.url, upgrade_request()))
            assert viewer.recv(12) == b"HTTP/1.1 101"
