"""The program as a library: it serves between enter and exit, at its address, beside others, within its limits."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from telemetry_stream import App, Settings
from telemetry_stream.access import guard
from tests.apps import FAST
from tests.viewers import (
    PATIENCE_SECONDS,
    address_of,
    assert_consecutive,
    bare_socket,
    clients,
    read_samples,
    seqs,
    upgrade_request,
    websockets_viewer,
)


def test_serves_between_enter_and_exit() -> None:
    """Inside the with a viewer gets this host's samples one by one; after it nobody listens any more."""
    with App(FAST) as app:
        url = app.url
        with websockets_viewer(url) as viewer:
            hello = viewer.read()
            assert (hello["type"], hello["stream"]) == ("hello", app.stream.id)
            samples = read_samples(viewer, 4)
    assert_consecutive(seqs(samples))
    assert samples[-1]["cpu"]["online_count"] >= 1
    assert samples[-1]["self"]["viewers"] == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address_of(url), PATIENCE_SECONDS)


def test_an_ipv6_address_is_bracketed_in_the_url() -> None:
    """It is given without brackets and served with them."""
    with App(Settings(host="::1", port=0, interval=0.1)) as app:
        assert app.url.startswith("http://[::1]:")
        with websockets_viewer(app.url) as viewer:
            assert viewer.read()["type"] == "hello"


def test_two_apps_in_one_process_do_not_know_of_each_other() -> None:
    """Each has its numbers, its viewers and its end."""
    with App(FAST) as first, ExitStack() as stack:
        with App(FAST) as second:
            assert first.stream.id != second.stream.id
            ours = stack.enter_context(websockets_viewer(first.url))
            theirs = stack.enter_context(websockets_viewer(second.url))
            assert [ours.read()["stream"], theirs.read()["stream"]] == [
                first.stream.id,
                second.stream.id,
            ]
            second.stream.broadcast("only", where="second")
            messages = [theirs.read() for _ in range(5)]
            assert {"type": "only", "where": "second"} in messages
            assert [len(clients(app.url)) for app in (first, second)] == [1, 1]
        assert theirs.read_close_code() == 1001
        samples = read_samples(ours, 5)
        assert_consecutive(seqs(samples))
        assert all(sample["stream"] == first.stream.id for sample in samples)


def test_connections_per_address_are_those_of_the_settings() -> None:
    """Not by connecting: a test comes from loopback, which has no such limit."""
    with App(Settings(port=0, max_connections_per_address=2, trust_proxy="192.0.2.1")) as app:
        assert app._listener is not None
        assert (places := app._listener._per_address) is not None
        assert [places.take("192.0.2.2") for _ in range(3)] == [True, True, False]
        assert all(places.take(many) for many in ("192.0.2.1", "127.0.0.1") for _ in range(3))


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_proxy_elsewhere_stands_for_many_if_it_is_trusted(
    is_trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then its connections have no limit, and whoever it names has his own; else it is one address like any other."""
    monkeypatch.setattr(
        guard, "is_loopback", lambda _: False
    )  # this host may have no other address
    settings = Settings(
        port=0,
        no_auth=True,
        trust_proxy="127.0.0.1" if is_trusted else "",
        max_connections_per_address=2,
        max_viewers_per_address=1,
    )

    def come(client: str) -> bytes:
        request = upgrade_request()[:-2] + f"X-Forwarded-For: {client}\r\n\r\n".encode()
        return stack.enter_context(bare_socket(app.url, request)).recv(12)

    with App(settings) as app, ExitStack() as stack:
        statuses = [come(f"192.0.2.{number}")[-3:] for number in (1, 2, 3, 4, 1)]
    assert statuses == ([b"101"] * 4 if is_trusted else [b"101"] * 2 + [b"429"] * 2) + [b"429"]
