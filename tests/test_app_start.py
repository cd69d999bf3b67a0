"""A start that fails: it raises one sentence, or the error of the origin, and everything is stopped again.

After each test, the fixture in conftest.py checks that no thread and no descriptor is left.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import App, Settings, StartError, TemporaryStartError
from telemetry_stream.stream import LocalHost
from tests.apps import FAST, OwnOrigin, OwnSource
from tests.net.pairs import held_port
from tests.viewers import address_of


def start_error(app: App) -> StartError:
    """Return the error of a start that fails."""
    with pytest.raises(StartError) as caught:
        app.start()
    return caught.value


def local_host() -> LocalHost:
    """Return this host as an origin."""
    return LocalHost(
        proc_root="/proc", sys_root="/sys", interval_seconds=0.1, idle_interval_seconds=0.0
    )


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"host": "0.0.0.0", "state_dir": "/proc/none"}, "--no-auth"),
        ({"token_file": "/dev/null/nonexistent"}, "/dev/null/nonexistent"),
        (
            {"tls_cert": "/dev/null/nonexistent", "tls_key": "/dev/null/nonexistent"},
            "/dev/null/nonexistent",
        ),
        ({"host": "a..b", "no_auth": True}, "cannot listen on a..b port 0: not a host name"),
    ],
    ids=["state directory", "token file", "certificate", "host name"],
)
def test_unusable_settings_are_a_permanent_error(settings: dict[str, Any], reason: str) -> None:
    """Another attempt would fail in the same way."""
    error = start_error(App(Settings(port=0, **settings)))
    assert reason in str(error)
    assert len(str(error).splitlines()) == 1
    assert not isinstance(error, TemporaryStartError)


def test_a_port_in_use_is_a_temporary_error() -> None:
    """The port may be free at the next attempt. The sentence names the address."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = start_error(App(Settings(port=port)))
    assert str(error) == f"cannot listen on 127.0.0.1 port {port}: Address already in use"
    assert isinstance(error, TemporaryStartError)


def test_a_missing_permission_is_a_permanent_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port below 1024 needs CAP_NET_BIND_SERVICE. Root has it, so bind(2) is replaced."""

    def bind(_: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", bind)
    error = start_error(App(Settings(port=80)))
    assert str(error) == "cannot listen on 127.0.0.1 port 80: Permission denied"
    assert not isinstance(error, TemporaryStartError)


@pytest.mark.parametrize("name", ["ts-grace", "ts-hub", "ts-collect", "ts-accept"])
def test_a_thread_that_the_system_refuses_is_a_temporary_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The threads that were started before it are stopped. pthread_create(3) is made to fail for this thread only."""
    start = threading.Thread.start

    def start_unless_refused(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_unless_refused)
    error = start_error(App(FAST))
    assert str(error) == "cannot start: the system is out of threads"
    assert isinstance(error, TemporaryStartError)


@pytest.mark.parametrize(
    "error", [LookupError("no broker"), OSError("refused"), KeyboardInterrupt()]
)
def test_an_error_of_an_origin_is_raised_as_it_is(error: BaseException) -> None:
    """The origins that were started before it are closed, and connections are refused again."""
    urls = []

    def fail() -> None:
        urls.append(app.url)
        raise error

    with held_port() as port:
        app = App(replace(FAST, port=port), origins=[local_host(), OwnOrigin(on_start=fail)])
        with pytest.raises(type(error)) as caught:
            app.start()
        assert caught.value is error
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address_of(urls[0]))


def test_two_origins_of_one_host_are_an_error() -> None:
    """A host has one feed."""
    app = App(FAST, origins=[local_host(), local_host()])
    with pytest.raises(ValueError, match="has a feed already"):
        app.start()


def test_an_app_is_started_once() -> None:
    """The second start fails, and the running app continues."""
    with App(FAST) as app:
        assert str(start_error(app)).startswith("an App is started once")
        seq = app.stream.feed().seq
        assert app.stream.feed().wait_newer(seq, (), 10)


@pytest.mark.parametrize("started", [True, False])
def test_an_app_is_not_started_after_close(started: bool) -> None:
    """Whether it was started before or not."""
    app = App(FAST)
    if started:
        app.start()
    app.close()
    assert str(start_error(app)) == "an App is started once, and not after close; make a new one"


def test_an_app_is_not_started_again_after_a_failure(tmp_path: Path) -> None:
    """Not even if the reason is gone."""
    tokens = tmp_path / "tokens"
    app = App(Settings(port=0, token_file=str(tokens)))
    assert str(tokens) in str(start_error(app))
    tokens.write_text("0123456789abcdef\n")
    tokens.chmod(0o600)
    assert "make a new one" in str(start_error(app))


def test_sources_and_origins_are_not_given_together() -> None:
    """Sources belong to the default origin. Nothing is opened for the refused app."""
    with pytest.raises(ValueError, match="LocalHost"):
        App(FAST, sources=[OwnSource("own", dict)], origins=[OwnOrigin()])


class HalfOrigin:
    """An origin without ``maybe_problem``."""

    def start(self, stream: object, on_crash: object) -> None: ...
    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"settings": {"port": 0}}, "settings is of type dict; it must be a Settings"),
        ({"settings": "token"}, "settings is of type str; it must be a Settings"),
        ({"sources": OwnSource("own", dict)}, "sources is of type OwnSource; it must be a list"),
        ({"sources": ["own"]}, "a source of type str has the name None; it must be a text"),
        ({"sources": [None]}, "a source of type NoneType has the name None"),
        ({"origins": [HalfOrigin()]}, "an origin is of type HalfOrigin; it must be an Origin"),
        ({"listening": 3}, "listening is of type int; it must be a bound socket"),
        ({"on_ready": "now"}, "on_ready is of type str; it must be a function"),
    ],
)
def test_an_argument_of_another_type_is_refused(arguments: dict[str, Any], error: str) -> None:
    """When the app is built, with what is allowed."""
    with pytest.raises(TypeError, match=re.escape(error)):
        App(**{"settings": FAST, **arguments})


@pytest.mark.parametrize("names", [("cpu",), ("seq",), ("own", "own")])
def test_a_name_of_a_source_is_used_once(names: tuple[str, ...]) -> None:
    """A section and a field of the sample cannot have the same name, nor can two sections."""
    with pytest.raises(ValueError, match=names[0]):
        App(FAST, sources=[OwnSource(name, dict) for name in names])
