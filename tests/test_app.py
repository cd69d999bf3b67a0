"""The program as a library: it serves between enter and exit, at its address, independently of other apps."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace

import pytest

from telemetry_stream import App, Settings
from tests.apps import FAST
from tests.net.pairs import held_port
from tests.viewers import (
    TIMEOUT_SECONDS,
    address_of,
    assert_consecutive,
    clients,
    read_samples,
    seqs,
    websockets_viewer,
)


def test_an_app_serves_between_enter_and_exit() -> None:
    """Inside the ``with`` a viewer gets each sample of this host. After it, connections are refused."""
    with held_port() as port:
        with App(replace(FAST, port=port)) as app:
            url = app.url
            with websockets_viewer(url) as viewer:
                hello = viewer.read()
                assert (hello["type"], hello["stream"]) == ("hello", app.stream.feed().id)
                samples = read_samples(viewer, 4)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address_of(url), TIMEOUT_SECONDS)
    assert_consecutive(seqs(samples))
    assert samples[-1]["cpu"]["online_count"] >= 1
    assert samples[-1]["self"]["viewers"] == 1


def test_an_ipv6_address_has_brackets_in_the_url() -> None:
    """The setting has no brackets, the URL has them."""
    with App(Settings(host="::1", port=0, interval=0.1)) as app:
        assert app.url.startswith("http://[::1]:")
        with websockets_viewer(app.url) as viewer:
            assert viewer.read()["type"] == "hello"


def test_an_app_has_no_url_before_the_start() -> None:
    """With port 0 the port is known only after binding."""
    app = App(FAST)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = app.url
    app.close()


def test_an_app_listens_on_a_given_socket() -> None:
    """It uses this socket instead of the address in the settings, and closes it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with App(FAST, listening=listening) as app:
            assert app.url == f"http://127.0.0.1:{port}/"
            with websockets_viewer(app.url) as viewer:
                assert viewer.read()["type"] == "hello"
        assert listening.fileno() == -1


def test_two_apps_in_one_process_are_independent() -> None:
    """Each has its own stream, viewers and end."""
    with App(FAST) as first, ExitStack() as stack:
        with App(FAST) as second:
            ids = [first.stream.feed().id, second.stream.feed().id]
            assert ids[0] != ids[1]
            of_first = stack.enter_context(websockets_viewer(first.url))
            of_second = stack.enter_context(websockets_viewer(second.url))
            assert [of_first.read()["stream"], of_second.read()["stream"]] == ids
            second.stream.broadcast("only", where="second")
            while (message := of_second.read())["type"] != "only":
                assert message["type"] == "sample"
            assert message == {"type": "only", "where": "second"}
            assert [len(clients(app.url)) for app in (first, second)] == [1, 1]
        assert of_second.read_close_code() == 1001
        samples = read_samples(of_first, 5)
        assert_consecutive(seqs(samples))
        assert all(sample["stream"] == ids[0] for sample in samples)
