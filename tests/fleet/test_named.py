"""The list of hosts is read again while a front end runs, with real hosts."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import App, threads
from telemetry_stream.fleet.named import NamedHosts
from telemetry_stream.fleet.watchlist import parse
from telemetry_stream.stream import HistoryLimits
from tests.apps import FAST
from tests.conftest import eventually
from tests.fleet.fleeting import answering, fleeting
from tests.viewers import clients, get

CERTIFICATE = Path(__file__).parent.parent / "fixtures/tls/localhost.pem"
TOKEN = "0123456789abcdef-first"
OTHER_TOKEN = "0123456789abcdef-other"


def host(name: str, **settings: Any) -> App:
    """Return a host with this id."""
    return App(replace(FAST, host_id=name, **settings))


def front(path: Path) -> App:
    """Return a front end of the hosts in this file."""
    return App(replace(FAST, watch_file=str(path), no_collect=True))


def states(app: App) -> dict[str, str]:
    """Return the state of each host by id."""
    return {one["id"]: one["state"] for one in get(app.url, "/api/v1/hosts")[1]["hosts"]}


def write(path: Path, *lines: str) -> None:
    """Write the list, which only its owner may read."""
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(0o600)


def wait_for(app: App, expected: dict[str, str]) -> None:
    """Wait until these are the hosts and their states."""
    assert eventually(lambda: states(app) == expected, 20), states(app)


def test_hosts_are_added_and_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The connection to one that stays is not touched. Its viewers neither."""
    caplog.set_level(logging.INFO)
    path = tmp_path / "hosts.txt"
    with host("web-1") as one, host("web-2") as two, host("web-3") as three:
        write(path, one.url, two.url)
        with front(path) as app:
            wait_for(app, {"web-1": "live", "web-2": "live"})
            connections = [client["id"] for client in clients(one.url)]
            write(path, "# another list", three.url, one.url)
            app.reload()
            assert eventually(lambda: clients(two.url) == [])
            wait_for(app, {"web-1": "live", "web-3": "live"})
            assert [client["id"] for client in clients(one.url)] == connections
            assert get(app.url, "/api/v1/sample?host=web-2")[0] == 404
            assert "Hosts to watch reloaded: 2" in caplog.text
            write(path)
            app.reload()
            wait_for(app, {})


def test_another_token_is_used_at_once(tmp_path: Path) -> None:
    """A host that has refused the former one is tried only once a minute. Its history in the overview stays."""
    path = tmp_path / "hosts.txt"
    with host("web-1", token=TOKEN) as one:
        write(path, f"{one.url} {OTHER_TOKEN}")
        with front(path) as app:
            assert eventually(lambda: list(states(app).values()) == ["incompatible"])
            write(path, f"{one.url} {TOKEN}")
            app.reload()
            wait_for(app, {"web-1": "live"})
            write(path, f"{one.url} {OTHER_TOKEN}")
            app.reload()
            wait_for(app, {"web-1": "incompatible"})


def test_a_reload_also_reads_the_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hosts stay as they are, and the next connection to each is made with the new ones."""
    path = tmp_path / "hosts.txt"
    with host("web-1", tls_cert=str(CERTIFICATE), tls_key=str(CERTIFICATE)) as one:
        write(path, one.url)
        with front(path) as app:
            assert eventually(lambda: list(states(app).values()) == ["incompatible"])
            monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
            app.reload()
            wait_for(app, {"web-1": "live"})


def test_another_address_is_another_host(tmp_path: Path) -> None:
    """Also if only the scheme differs."""
    path = tmp_path / "hosts.txt"
    with host("web-1") as one:
        write(path, one.url)
        with front(path) as app:
            wait_for(app, {"web-1": "live"})
            write(path, one.url.replace("http:", "https:"))
            app.reload()
            assert eventually(lambda: list(states(app).values()) == ["incompatible"])


def test_a_host_without_room_is_connected_as_soon_as_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Hosts of a broker may have taken it. The log has the address, and each reload tries again."""
    targets = [parse("http://127.0.0.1:1", None, "test", allow_plain=False)]
    named = NamedHosts(lambda: tuple(targets), HistoryLimits(600.0))
    others = [answering("a"), answering("b")]
    with fleeting(*others, max_hosts=2) as here:
        targets.append(parse("http://127.0.0.1:2", None, "test", allow_plain=False))
        named.reload(here.fleet)
        assert set(here.states()) == {"a", "b"}
        assert "127.0.0.1:2 is not watched: there are 2 hosts already" in caplog.text
        here.fleet.remove([others[0]])
        named.reload(here.fleet)
        assert set(here.states()) == {"b", "127.0.0.1:2"}


def test_a_reload_without_a_thread_for_a_host_adds_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list stays true: the next reload tries this host again, and finds the others."""
    targets = [
        parse(f"http://127.0.0.1:{port}", None, "test", allow_plain=False) for port in (1, 2, 3)
    ]
    named = NamedHosts(lambda: tuple(targets[:1]), HistoryLimits(600.0))
    usual = threads.start

    def start(name: str, *args: Any, **kind: Any) -> threading.Thread:
        if name == "ts-host2":
            raise threads.ThreadUnavailableError("the system is out of threads")
        return usual(name, *args, **kind)

    with fleeting() as here:
        here.fleet.maybe_add(named.remotes[0])
        monkeypatch.setattr(threads, "start", start)
        named._read = lambda: tuple(targets)
        named.reload(here.fleet)
        assert set(here.states()) == {"127.0.0.1:1", "127.0.0.1:3"}
        assert "127.0.0.1:2 is not watched: the system is out of threads" in caplog.text
        first, third = named.remotes
        named.reload(here.fleet)
        assert set(here.states()) == {f"127.0.0.1:{port}" for port in (1, 2, 3)}
        assert (named.remotes[0], named.remotes[2]) == (first, third)


@pytest.mark.parametrize("line", ["http://web1:8750 token with spaces", "gopher://web1", None])
def test_an_invalid_file_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str | None
) -> None:
    """The log has one line with the place and the reason."""
    path = tmp_path / "hosts.txt"
    with host("web-1") as one:
        write(path, one.url)
        with front(path) as app:
            wait_for(app, {"web-1": "live"})
            connections = [client["id"] for client in clients(one.url)]
            if line is None:
                path.unlink()
            else:
                write(path, one.url.replace("127.0.0.1", "127.0.0.2"), line)
            app.reload()
            (failure,) = [text for text in caplog.messages if text.startswith("Reload failed")]
            assert "keeping the previous hosts" in failure
            assert str(path) in failure
            wait_for(app, {"web-1": "live"})
            assert [client["id"] for client in clients(one.url)] == connections
