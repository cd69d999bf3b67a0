"""The hosts of a front end with invented remotes and a clock that the test moves; the overview goes to real clients."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NoReturn, Self

import pytest

from telemetry_stream import threads
from telemetry_stream.alerts.fleet_monitor import FleetMonitor
from telemetry_stream.fleet import overviews
from telemetry_stream.fleet.host import MAX_PENDING
from telemetry_stream.fleet.overview import OverviewChoice, Row, Selected, hosts_message
from telemetry_stream.fleet.remote import FIELDS, maybe_vitals
from telemetry_stream.fleet.table import UnknownHostError
from telemetry_stream.hub import Client, End, write_pump
from telemetry_stream.stream import Resume
from tests.fleet.fleeting import Fleeting, answer, answering, fleeting, report_alerts, report_vitals
from tests.fleet.reports import message, received
from tests.fleet.test_alerts import ALERT
from tests.server.service import sample
from tests.stream.streaming import LINES, WAIT_SECONDS, Viewer, remembered


class Overview:
    """A viewer of the overview."""

    def __init__(self, here: Fleeting, selection: Selected = Selected(), every: int = 1) -> None:  # noqa: B008
        self._taken: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._hub = here.hub
        topic = OverviewChoice(LINES, selection, every)
        self.client = Client(self._take, topic=topic, name="overview")
        self._pump = threads.start("ts-viewer", write_pump, self.client, lambda data, _: self._take(data))  # fmt: skip
        assert here.fleet.join(self.client, None)

    def _take(self, data: bytes) -> int:
        if data:
            self._taken.put(data)
        return len(data)

    def message(self) -> dict[str, Any]:
        """Return the next message."""
        found: dict[str, Any] = json.loads(self._taken.get(timeout=WAIT_SECONDS))
        return found

    def is_idle(self) -> bool:
        """Whether nothing waits."""
        return self._taken.empty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close(End.GONE)
        self._hub.unregister(self.client)
        self._pump.join(WAIT_SECONDS)


# States.


def test_a_host_has_its_key_until_it_answers() -> None:
    """Then its own id and name."""
    remote = answering("web1:8750", "host-7")
    with fleeting(remote) as here:
        (host,) = here.hosts().values()
        assert (host["id"], host["name"], host["state"]) == ("web1:8750", "web1:8750", "late")
        assert (host["vitals"], host["age_seconds"], host["seq"]) == (None, None, 0)
        answer(remote, 5)
        (host,) = here.hosts().values()
        assert (host["id"], host["name"]) == ("host-7", "name of host-7")
        assert (host["state"], host["seq"], host["age_seconds"]) == ("live", 5, 0)
        assert host["stream"] == "run-of-web1:8750"
        assert list(host["vitals"]) == list(FIELDS)


def test_a_silent_host_keeps_its_last_values() -> None:
    """With their age, while another host is live."""
    silent, live = answering("a"), answering("b")
    with fleeting(silent, live) as here:
        answer(silent, 1)
        for seq in range(1, 22):
            answer(live, seq)
            here.tick(1.0)
        assert here.states() == {"a": "lost", "b": "live"}
        host = here.hosts()["a"]
        assert (host["age_seconds"], host["vitals"]["cpu"]) == (21, 50.0)
        answer(silent, 2)
        assert here.states()["a"] == "live"


def test_a_lost_link_of_ours_loses_no_host() -> None:
    """All are unreachable."""
    remotes = [answering("a"), answering("b")]
    with fleeting(*remotes) as here:
        for remote in remotes:
            answer(remote)
            remote.link_state = "unknown"
        here.clock.now += 20
        assert here.states() == {"a": "unreachable", "b": "unreachable"}


def test_reasons_are_shown_only_while_there_are_no_data() -> None:
    """One sentence of the remote."""
    remote = answering("a")
    with fleeting(remote) as here:
        remote.report.failed("Connection refused")
        assert here.hosts()["a"]["reason"] == "Connection refused"
        answer(remote)
        assert here.hosts()["a"]["reason"] is None
        remote.report.failed("Another protocol", is_incompatible=True)
        host = here.hosts()["a"]
        assert (host["state"], host["reason"]) == ("incompatible", "Another protocol")
        answer(remote, 2)
        remote.report.ended("gone", "run-of-a")
        remote.report.failed("Connection refused")
        host = here.hosts()["a"]
        assert (host["state"], host["reason"]) == ("gone", None)


def test_the_own_host_is_a_row() -> None:
    """Its vitals come from its feed, in which they are requested. Its feed is the usual one."""
    with fleeting(own=True) as here:
        feed = here.fleet._stream.feed()
        assert "vitals" in feed.demand.wanted()
        plain = sample(1)
        feed.publish(replace(plain, sections={**plain.sections, "vitals": {"cpu": 12.5}}))
        host = here.hosts()["host-1"]
        assert (host["state"], host["site"], host["vitals"]["cpu"]) == ("live", "here", 12.5)
        feed.publish(plain)  # without vitals
        assert here.hosts()["host-1"]["seq"] == 1
        for name in (None, "host-1"):
            assert here.fleet.feed(name)[0] is feed


def test_rows_have_the_number_of_alerts() -> None:
    """As soon as they are known, also of the own host; a host that tells nothing of them has null."""
    remote, quiet = answering("a"), answering("b")
    with fleeting(remote, quiet, own=True) as here:
        for one in (remote, quiet):
            answer(one)
        assert [host["alerts"] for host in here.hosts().values()] == [None] * 3
        alert = {**ALERT, "text": "full"}
        report_alerts(remote, alert, {**alert, "severity": "info"})
        here.fleet._stream.feed().publish_alerts(1.0, [alert], [], 0)
        counts = {"critical": 0, "warning": 1, "info": 0, "alert": "full"}
        shown = {name: host["alerts"] for name, host in here.hosts().items()}
        assert shown == {"host-1": counts, "a": {**counts, "info": 1}, "b": None}
        report_alerts(remote)
        none = {"critical": 0, "warning": 0, "info": 0, "alert": None}
        assert here.hosts()["a"]["alerts"] == none


def test_discovered_hosts_are_forgotten_after_a_day() -> None:
    """A host that the user named stays: otherwise its failure would be hidden."""
    named, discovered = answering("a"), answering("b")
    discovered.is_discovered = True
    with fleeting(named, discovered) as here:
        for remote in (named, discovered):
            answer(remote)
        here.clock.now += 86_400
        assert here.states() == {"a": "lost", "b": "lost"}
        here.clock.now += 1
        assert here.states() == {"a": "lost"}
        assert discovered.is_closed
        with pytest.raises(UnknownHostError):
            here.fleet.feed("b")


# Viewers of one host.


def test_a_watched_host_has_a_mirror() -> None:
    """A viewer's hello, history and live samples are those of the origin, with site and tags."""
    remote = answering("web1:1", "host-7", "run-1")
    remote.identity = remote.identity._replace(site="east", tags=("db",))  # type: ignore[attr-defined]
    with fleeting(remote) as here:
        answer(remote)
        feed, wait_filled = here.fleet.feed("host-7")
        assert not wait_filled(0)
        remote.report.samples([received(1), received(2)], is_complete=True)
        assert wait_filled(0)
        with Viewer(feed, Resume(since=1, stream="run-1")) as viewer:
            hello = viewer.message()
            assert (hello["host"]["id"], hello["stream"], hello["seq"]) == ("host-7", "run-1", 2)
            assert (hello["site"], hello["tags"]) == ("east", ["db"])
            remote.report.samples([received(3)], is_complete=False)
            assert viewer.seqs_to(3) == [2, 3]
        assert here.fleet.feed("host-7")[0] is feed
        assert here.fleet.stats().watched == 1


def test_the_hosts_of_one_id_have_a_mirror_each() -> None:
    """Their samples do not mix: each has the id under which its host is shown."""
    first, second = answering("a:1", "host-7", "run-1"), answering("b:2", "host-7", "run-2")
    with fleeting(first, second) as here:
        for remote in (first, second):
            answer(remote)
        ours, theirs = here.fleet.feed("host-7")[0], here.fleet.feed("b:2")[0]
        with Viewer(ours) as viewer:
            first.report.samples([received(1, "run-1")], is_complete=True)
            second.report.samples([received(5, "run-2")], is_complete=True)
            assert viewer.seqs_to(1) == [1]
            assert json.loads(theirs.maybe_latest() or b"")["host"] == "b:2"
        assert (remembered(ours), remembered(theirs)) == ([1], [5])


def test_a_tick_does_not_end_a_mirror_that_was_just_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer may request the host while the tick examines the unused mirror."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        here.fleet.feed("a")
        host = here.table.host("a")
        unused = host.mirror
        assert unused is not None
        monkeypatch.setattr(unused, "tick", lambda: here.fleet.feed("a"))
        here.tick(61.0)
        assert host.mirror is not None
        assert host.mirror is not unused


# Viewers of the overview.


def test_the_overview_begins_with_names_and_rows() -> None:
    """Then it comes with each tick; the names come again if one has changed."""
    remote = answering("web1:1", "host-7")
    with fleeting(remote) as here, Overview(here) as viewer:
        names, rows = viewer.message(), viewer.message()
        assert [host["id"] for host in names["hosts"]] == ["web1:1"]
        assert rows["rows"][0][:2] == [1, "late"]
        answer(remote)
        here.tick(1.0)
        changed, rows = viewer.message(), viewer.message()
        assert [host["id"] for host in changed["hosts"]] == ["host-7"]
        assert changed["revision"] == names["revision"] + 1 == rows["revision"]
        assert rows["rows"][0][:2] == [1, "live"]
        here.tick(1.0)
        assert viewer.message()["type"] == "overview"


def test_viewers_of_one_choice_get_the_same_bytes() -> None:
    """Made once. Another choice has its own."""
    remotes = [answering(name) for name in "ab"]
    with (
        fleeting(*remotes) as here,
        Overview(here) as first,
        Overview(here) as second,
        Overview(here, Selected(site="east")) as other,
    ):
        for viewer in (first, second, other):
            viewer.message()
            viewer.message()
        here.tick(1.0)
        frames = [viewer._taken.get(timeout=WAIT_SECONDS) for viewer in (first, second, other)]
        assert frames[0] is frames[1]
        assert json.loads(frames[2])["rows"] == []


def test_every_selects_ticks() -> None:
    """In seconds; changed names come at once."""
    remote = answering("a")
    with fleeting(remote) as here, Overview(here, every=3) as viewer:
        viewer.message()
        viewer.message()
        ticks = 0
        while viewer.is_idle():
            here.tick(1.0)
            assert here.hub.is_responsive(WAIT_SECONDS)
            ticks += 1
        assert ticks <= 3
        viewer.message()
        for _ in range(3):
            here.tick(1.0)
        assert here.hub.is_responsive(WAIT_SECONDS)
        viewer.message()
        assert viewer.is_idle()


def test_names_are_joined_once_for_each_selection(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its viewers want the rows, and however many of them."""
    calls: list[Selected] = []

    def counted(revision: int, rows: Iterable[Row], selection: Selected) -> bytes:
        calls.append(selection)
        return hosts_message(revision, rows, selection)

    remote = answering("a")
    with (
        fleeting(remote) as here,
        Overview(here) as first,
        Overview(here, every=2) as second,
        Overview(here, Selected(top=1), every=3) as third,
    ):
        monkeypatch.setattr(overviews, "hosts_message", counted)
        answer(remote)
        here.tick()
        for viewer in (first, second, third):
            while viewer.message().get("hosts", [{}])[0].get("name") != "name of a":
                pass
        assert calls == [Selected()]


def test_the_number_of_different_selections_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs time every second. That of another viewer costs nothing, and none is always possible."""
    monkeypatch.setattr(overviews, "MAX_SELECTIONS", 2)
    east, west, north = Selected(site="east"), Selected(site="west"), Selected(site="north")
    with fleeting() as here:
        assert here.fleet.has_room_for(north)
        with Overview(here, east), Overview(here, east, every=2), Overview(here, west):
            assert here.fleet.has_room_for(west)
            assert here.fleet.has_room_for(Selected())
            assert not here.fleet.has_room_for(north)
        assert here.fleet.has_room_for(north)


def test_selections_of_the_same_moment_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many may be checked before the first one joins. What is one too many is closed."""
    monkeypatch.setattr(overviews, "MAX_SELECTIONS", 2)
    with fleeting() as here:
        selections = [Selected(site=f"site-{number}") for number in range(4)]
        assert all(map(here.fleet.has_room_for, selections))
        with Overview(here, selections[0]), Overview(here, selections[1]):
            client = Client(len, topic=OverviewChoice(LINES, selections[2], 1), name="overview")
            assert not here.fleet.join(client, None)
            assert client.end is End.GOING_AWAY
            with Overview(here, selections[1], every=2), Overview(here):
                pass


def test_joining_needs_an_overview_choice() -> None:
    """A client with another topic would get nothing."""
    with fleeting() as here, pytest.raises(TypeError, match="not an OverviewChoice"):
        here.fleet.join(Client(len, topic="all"), None)


def test_counts_are_those_of_prometheus() -> None:
    """Hosts by state, gaps and discarded messages."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        here.fleet.feed("a")
        remote.report.samples([received(1, "run-of-a")], is_complete=True)
        remote.report.samples([received(9, "run-of-a")], is_complete=True)
        remote.report.dropped("invalid")
        here.tick()
        stats = here.fleet.stats()
        assert (stats.hosts["live"], stats.hosts["lost"], stats.watched) == (1, 0, 1)
        assert (stats.gaps_repaired, stats.gaps_unrepaired) == (0, 1)
        assert stats.dropped == {"invalid": 1, "foreign host": 0, "too many": 0}


def test_sparklines_are_those_of_known_hosts() -> None:
    """With the interval of their points."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        found = here.fleet.sparklines(["a", "b"])
        assert list(found) == ["a"]
        assert (found["a"]["interval_seconds"], found["a"]["cpu"]) == (1.0, [50.0])


def test_a_tick_that_stops_is_a_problem() -> None:
    """For /healthz and the watchdog."""
    with fleeting() as here:
        assert here.fleet.maybe_problem() is None
        here.clock.now += 5.1
        assert here.fleet.maybe_problem() == "the overview of hosts is not updated"


def test_messages_of_hosts_need_no_lock() -> None:
    """A host that floods holds nobody up, and only its newest messages are kept."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        host = here.table.host("a")
        with here.table.lock, host._lock:
            for seq in range(2, 10_000):
                report_vitals(remote, seq, "run-of-a")
        assert len(host._pending) == MAX_PENDING
        assert here.hosts()["a"]["seq"] == 9_999


def test_vitals_that_come_during_a_tick_wait_for_the_next_one() -> None:
    """A host that sends them faster than they are parsed does not stop the overview."""
    remote, parsed = answering("a"), list[str]()

    def parse_slowly(text: str) -> None:
        parsed.append(text)
        if len(parsed) < 10 * MAX_PENDING:
            remote.report.vitals("", parse_slowly)

    with fleeting(remote) as here:
        answer(remote)
        here.tick()
        remote.report.vitals("", parse_slowly)
        here.tick()
        assert len(parsed) == 1
        here.tick()
        assert len(parsed) == 2


def test_broken_vitals_are_counted() -> None:
    """One by one; the others count."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        for text in ("{", message(2, host="b", vitals={}), message(2, "run-of-a", "a", vitals={})):
            remote.report.vitals(text, lambda sent: maybe_vitals(sent, "a"))
        assert here.hosts()["a"]["seq"] == 2
        dropped = here.fleet.stats().dropped
        assert (dropped["invalid"], dropped["foreign host"]) == (1, 1)


def test_vitals_that_came_before_an_end_count() -> None:
    """Although they are decoded later."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        report_vitals(remote, 2, "run-of-a")
        remote.report.ended("gone", "run-of-a")
        host = here.hosts()["a"]
        assert (host["state"], host["seq"]) == ("gone", 2)


def test_an_error_for_one_host_costs_no_other_anything(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of it cannot be used, at whatever step. It is logged."""
    broken, other = answering("a"), answering("b")

    def fail(*_: Any) -> NoReturn:
        raise LookupError("broken")

    with fleeting(broken, other) as here:
        observed = FleetMonitor(lambda: (), saved=None, max_hosts=10)
        here.fleet.observe(observed)
        answer(broken)
        answer(other)
        here.tick()
        host = here.table.host("a")
        broken.report.vitals("", fail)
        here.clock.now += 1
        report_vitals(other, 2, "run-of-b")
        assert here.hosts()["b"]["seq"] == 2
        assert "What was received of a cannot be used: LookupError('broken')" in caplog.text
        monkeypatch.setattr(host, "note_found_alerts", fail)
        report_vitals(other, 3, "run-of-b")
        assert here.hosts()["b"]["seq"] == 3
