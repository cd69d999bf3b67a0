"""Which host has which id: duplicates, hosts that get another id, and hosts that are forgotten."""

from __future__ import annotations

import pytest

from telemetry_stream import threads
from telemetry_stream.fleet.host import Host
from telemetry_stream.fleet.remote import Identity, maybe_vitals
from telemetry_stream.fleet.table import UnknownHostError
from telemetry_stream.hub import End
from tests.fleet.fleeting import answer, answering, fleeting, report_vitals
from tests.fleet.reports import RecordingRemote, identity
from tests.stream.streaming import WAIT_SECONDS, Viewer

HOSTS = 20


def test_a_host_that_is_watched_twice_is_read_once() -> None:
    """The second one is shown as such, under its key."""
    first, second = answering("a:1", "host-7", "run-1"), answering("b:2", "host-7", "run-1")
    with fleeting(first, second) as here:
        assert answer(first)
        assert not answer(second)
        hosts = here.hosts()
        assert {name: host["state"] for name, host in hosts.items()} == {
            "host-7": "live",
            "b:2": "duplicate",
        }
        assert hosts["b:2"]["reason"] == "This host is watched already, as a:1"


def test_two_hosts_with_one_id_are_both_shown() -> None:
    """Both are read, and the reason names the setting that helps. It ends when one has got another id."""
    first, second = answering("a:1", "host-7"), answering("b:2", "host-7")
    with fleeting(first, second) as here:
        assert answer(first)
        assert answer(second)
        hosts = here.hosts()
        assert {name: host["state"] for name, host in hosts.items()} == {
            "host-7": "duplicate",
            "b:2": "duplicate",
        }
        assert "--host-id" in hosts["host-7"]["reason"]
        assert "--host-id" in hosts["b:2"]["reason"]
        assert hosts["b:2"]["seq"] == 1
        second.identity = identity("host-8", "run-3")  # type: ignore[attr-defined]
        assert answer(second, 2)
        assert here.states() == {"host-7": "live", "host-8": "live"}


@pytest.mark.parametrize("end", ["gone", "lost"])
@pytest.mark.parametrize("is_old_first", [True, False])
def test_a_host_that_is_over_neither_conflicts_nor_keeps_the_id(
    end: str, is_old_first: bool
) -> None:
    """Its site or its address may have changed. A broker keeps both its hellos, and sends them in any order."""
    old, new = answering("default/web-1", "web-1"), answering("east/web-1", "web-1")
    with fleeting(old, new) as here:
        for remote in (old, new) if is_old_first else (new, old):
            remote.report.identified(remote.identity)  # type: ignore[attr-defined]
        if end == "gone":
            old.report.ended("gone", "run-of-default/web-1")
        else:
            here.clock.now += 20
        report_vitals(new, 1, "run-of-east/web-1")
        hosts = here.hosts()
        assert {name: host["state"] for name, host in hosts.items()} == {
            "default/web-1": end,
            "web-1": "live",
        }
        assert [host["reason"] for host in hosts.values()] == [None, None]
        here.fleet.feed("web-1")
        assert new.wants
        assert not old.wants
        assert answer(old)  # a clone after all
        assert set(here.states().values()) == {"duplicate"}


def test_the_first_hello_of_a_host_examines_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of hosts may connect at the same time, and each hello holds the lock of the table."""
    remotes = [answering(f"web{number}:1", f"host-{number}") for number in range(HOSTS)]
    examined: list[str] = []

    def counting(host: Host) -> Identity | None:
        examined.append(host.key)
        return host._record.identity

    with fleeting(*remotes, max_hosts=HOSTS) as here:
        with monkeypatch.context() as patch:
            patch.setattr(Host, "identity", property(counting))
            for remote in remotes:
                assert remote.report.identified(remote.identity)  # type: ignore[attr-defined]
        assert examined == []
        for remote in remotes[1:]:
            here.table.forget(here.table.host(remote.identity.host.id))  # type: ignore[attr-defined]
        assert list(here.table._by_hello_id) == ["host-0"]
        assert len(here.table._hello_ids) == 1


def test_a_hello_of_a_forgotten_host_is_not_kept() -> None:
    """It may arrive while the host is being forgotten."""
    remote = answering("a:1", "web-1")
    with fleeting(remote) as here:
        here.table.forget(here.table.host("a:1"))
        remote.report.identified(remote.identity)  # type: ignore[attr-defined]
        assert here.table._by_hello_id == {}


def test_a_host_that_returns_with_another_address_gets_its_id_at_once() -> None:
    """The viewers of its former address are closed. The front end itself never gives its id up."""
    old, new = answering("a:1", "web-1", "run-1"), answering("b:2", "web-1", "run-2")
    clone = answering("c:3", "host-1")
    with fleeting(old, new, clone, own=True) as here:
        answer(old)
        with Viewer(here.fleet.feed("web-1")[0]) as viewer:
            here.clock.now += 20
            assert answer(new)
            assert viewer.client.end is End.GOING_AWAY
        assert here.states() == {"host-1": "lost", "a:1": "lost", "web-1": "live", "c:3": "lost"}
        answer(clone)
        assert here.states()["c:3"] == "duplicate"


def test_the_front_end_itself_is_not_read() -> None:
    """It would be a loop. Its clone is another host with the same id."""
    with fleeting(own=True) as here:
        run = here.fleet._stream.feed().id
        itself, clone = answering("a:1", "host-1", run), answering("b:2", "host-1", "run-2")
        for remote in (itself, clone):
            assert here.fleet.maybe_add(remote)
        assert not answer(itself)
        assert answer(clone)
        hosts = here.hosts()
        assert hosts["a:1"]["reason"] == "This is the front end itself"
        assert {host["state"] for host in hosts.values()} == {"duplicate"}


def test_the_front_end_itself_is_not_read_in_another_run() -> None:
    """Its address is refused at once, and after the next tick as well. A clone may have the former run."""
    with fleeting(own=True) as here:
        feed = here.fleet._stream.feed()
        itself = answering("a:1", "host-1", "another")
        clone = answering("b:2", "host-1", feed.id)
        for remote in (itself, clone):
            assert here.fleet.maybe_add(remote)
        feed.begin_run("another")
        assert not answer(itself)
        here.tick()
        assert not answer(itself, 2)
        assert here.hosts()["a:1"]["reason"] == "This is the front end itself"
        assert answer(clone)


def test_the_hello_of_a_forgotten_host_has_no_effect() -> None:
    """It was received before its remote was closed. Its key may be that of another host by now."""
    first, second = answering("a", "host-7"), answering("b", "host-7")
    second.is_discovered = True
    with fleeting(first, second) as here:
        assert answer(first)
        assert answer(second)
        here.clock.now += 86_401
        answer(first, 2)
        assert here.states() == {"host-7": "live"}
        second.identity = identity("host-8", "run-3")  # type: ignore[attr-defined]
        answer(second, 2)
        again = answering("b")
        assert here.fleet.maybe_add(again)
        answer(again)
        answer(second, 3)
        assert here.states() == {"host-7": "live", "b": "live"}
        assert here.fleet.feed("b")
        with pytest.raises(UnknownHostError):
            here.fleet.feed("host-8")


def test_the_number_of_hosts_is_limited() -> None:
    """Beside this one. Others are counted."""
    with fleeting(answering("a"), answering("b"), own=True, max_hosts=2) as here:
        assert here.fleet.maybe_add(RecordingRemote("c")) is None
        assert len(here.hosts()) == 3
        assert here.fleet.stats().dropped["too many"] == 1


def test_a_host_with_another_id_closes_the_viewers_of_the_old_one() -> None:
    """Another host may get that id, and its samples would mix with those of the mirror."""
    first, second = answering("a:1", "host-7", "run-1"), answering("b:2", "host-8", "run-2")
    with fleeting(first, second) as here:
        for remote in (first, second):
            answer(remote)
        with Viewer(here.fleet.feed("host-7")[0]) as viewer:
            first.identity = identity("host-8", "run-3")  # type: ignore[attr-defined]
            answer(first)
            assert viewer.client.end is End.GOING_AWAY
        assert first.wants[-1] is None
        assert set(here.states()) == {"a:1", "host-8"}


def test_a_remote_can_report_while_the_table_is_locked() -> None:
    """It may hold a lock that the table waits for: that of a mirror."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        remote.report.vitals("{", lambda sent: maybe_vitals(sent, "a"))
        with here.table.lock:
            reporting = threads.start("ts-test", remote.report.failed, "It is broken")
            reporting.join(WAIT_SECONDS)
            assert not reporting.is_alive()
        assert here.fleet.stats().dropped["invalid"] == 1
