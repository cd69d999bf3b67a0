"""Which hosts of a broker get a remote. (With a broker: test_watcher.)"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry_stream.fleet.fleet import Fleet
from telemetry_stream.hub import Hub
from telemetry_stream.mqtt.broker_link import BrokerLink
from telemetry_stream.mqtt.broker_remote import BrokerRemote
from telemetry_stream.mqtt.remotes import MAX_SITES, Remotes
from telemetry_stream.mqtt.topics import HostTopic, Topics
from telemetry_stream.stream import HistoryLimits


def make(topics: Topics) -> BrokerRemote:
    """Return a remote whose requests nobody reads."""
    return BrokerRemote(topics, "f1", BrokerLink(), lambda *_: None, HistoryLimits(600.0))


@pytest.fixture
def remotes() -> Iterator[Remotes]:
    """Those of a front end with room for ten hosts, whose own host is s/own."""
    fleet = Fleet(Hub(), [], own_labels=None, max_hosts=10, max_watched=1, forget_seconds=1000.0)
    found = Remotes(fleet, "ts", make)
    found.own_key = "s/own"
    yield found
    fleet.close()


def get(remotes: Remotes, host: str, site: str = "s") -> BrokerRemote | None:
    """Return the remote of this host, if there is room."""
    return remotes.maybe_get(HostTopic(site, host, "hello"))


def test_a_host_has_one_remote(remotes: Remotes) -> None:
    """Which is found by the topic of its vitals, too, unless they may be those of this program itself."""
    first, own = get(remotes, "a"), get(remotes, "own")
    assert get(remotes, "a") is first
    assert list(remotes) == [first, own]
    assert remotes.by_vitals == {"ts/1/s/a/vitals": first}


def test_there_is_room_again_after_one_was_forgotten(remotes: Remotes) -> None:
    """Until then, others are refused, and counted once."""
    found = [get(remotes, f"host-{number}") for number in range(12)]
    assert found[10:] == [None, None]
    assert remotes.is_refused("s/host-11")
    assert found[0] is not None
    found[0].run = "run-1"
    remotes._fleet.remove([found[0]])
    remotes.forget(found[0])
    assert not remotes.is_refused("s/host-11")
    assert get(remotes, "host-11") is not None
    assert "ts/1/s/host-0/vitals" not in remotes.by_vitals


def test_the_run_of_a_forgotten_host_is_remembered(remotes: Remotes) -> None:
    """Until the host returns."""
    remote = get(remotes, "a")
    assert remote is not None
    remote.run = "run-1"
    remotes.forget(remote)
    remotes.forget(remote)
    assert remotes.is_forgotten("s/a", "run-1")
    assert not remotes.is_forgotten("s/a", "run-2")
    remotes.note_returned("s/a")
    assert not remotes.is_forgotten("s/a", "run-1")


def test_one_host_id_has_a_few_sites(remotes: Remotes) -> None:
    """A forgotten one makes room."""
    found = [get(remotes, "a", f"site-{number}") for number in range(MAX_SITES + 1)]
    assert found.count(None) == 1
    assert found[0] is not None
    remotes.forget(found[0])
    assert get(remotes, "a", "other") is not None
