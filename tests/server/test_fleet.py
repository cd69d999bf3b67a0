"""The hosts of a front end, over real HTTP, with an invented remote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed

from telemetry_stream.fleet import overviews
from telemetry_stream.fleet.fleet import Fleet
from telemetry_stream.hub import Hub
from telemetry_stream.server.fleet import MAX_SPARKLINES, FleetHosts
from telemetry_stream.stream import Stream
from tests.fleet.reports import RecordingRemote, identity
from tests.server.service import Service, message


@contextmanager
def front_end(*, own: bool = True) -> Iterator[tuple[Service, RecordingRemote]]:
    """A front end of one remote, ``web-1``, and of its own host, ``host-1``, if ``own``."""
    remote = RecordingRemote("web-1")
    fleets = []

    def make_hosts(hub: Hub, stream: Stream) -> FleetHosts:
        fleet = Fleet(
            hub,
            (remote,),
            own_labels={} if own else None,
            max_hosts=10,
            max_watched=1,
            forget_seconds=86_400,
        )
        fleets.append(fleet)
        return FleetHosts(fleet, stream.version)

    with Service(make_hosts=make_hosts) as service:
        (fleet,) = fleets
        fleet.start(service.stream, service.crashes.append)
        try:
            yield service, remote
        finally:
            fleet.close()


def test_the_hosts_are_reported_with_the_version_and_the_user() -> None:
    """As in ``hello``. A parameter is refused."""
    with front_end() as (service, _):
        report = service.ask("/api/v1/hosts").json
        assert [host["id"] for host in report["hosts"]] == ["host-1", "web-1"]
        assert (report["version"], report["user"]) == ("1.2.3", None)
        assert service.ask("/api/v1/hosts?host=web-1").status == 400


def test_a_host_is_watched_once_it_has_answered() -> None:
    """Until then, the answer has the reason, and the client may try again."""
    with front_end() as (service, remote):
        answer = service.ask("/api/v1/stream?host=web-1")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json["error"].startswith("The host has not answered yet")
        assert remote.report.identified(identity("web-1"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("telemetry_stream.server.fleet.FILL_SECONDS", 0.0)
            assert service.ask("/api/v1/stream?host=web-1", "HEAD").status == 200
        assert len(remote.wants) == 1


def test_the_own_host_needs_no_name() -> None:
    """Its alerts and its samples are those of the feed."""
    with front_end() as (service, _):
        service.publish(2)
        assert service.ask("/api/v1/sample").json["seq"] == 2
        assert service.ask("/api/v1/alerts").json["host"] == "host-1"
        assert "telemetry_stream_samples_total 2" in service.ask("/metrics").body.decode()


def test_without_an_own_host_a_request_must_name_one() -> None:
    """Prometheus gets the page without samples."""
    with front_end(own=False) as (service, _):
        service.publish()
        for path in ("sample", "history", "stream", "alerts"):
            answer = service.ask(f"/api/v1/{path}")
            assert answer.status == 400
            assert "name a host of /api/v1/hosts" in answer.json["error"]
        assert service.ask("/api/v1/alerts?host=web-1").json == {
            "host": "web-1",
            "alerts": None,
            "omitted_alerts": 0,
        }
        assert "telemetry_stream_samples_total 0" in service.ask("/metrics").body.decode()


@pytest.mark.parametrize("path", ["sample", "history", "stream", "alerts", "processes"])
def test_an_unknown_host_is_a_404(path: str) -> None:
    """With its name."""
    with front_end() as (service, _):
        answer = service.ask(f"/api/v1/{path}?host=web-3")
        assert (answer.status, answer.json) == (404, {"error": "Unknown host 'web-3'"})


def test_a_viewer_of_the_overview_gets_the_hosts() -> None:
    """Or those that it selects."""
    with front_end() as (service, _):
        with service.viewer("/ws?hosts=*") as viewer:
            assert {host["id"] for host in message(viewer)["hosts"]} == {"host-1", "web-1"}
        with service.viewer("/ws?hosts=*&site=east&by=memory&every=2") as viewer:
            assert message(viewer)["hosts"] == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("hosts=a", "hosts = 'a': must be one of *"),
        ("hosts=*&sections=cpu", "Unknown parameter 'sections'"),
        ("hosts=*&by=x", "by = 'x': must be one of "),
        ("hosts=*&top=0", "top = '0': must be a whole number from 1 to 100000"),
        ("hosts=*&every=0", "every = '0'"),
        ("tag=db", "Unknown parameter 'tag'"),
    ],
)
def test_a_wrong_selection_of_the_overview_is_refused(query: str, error: str) -> None:
    """The message states what is allowed."""
    with front_end() as (service, _):
        answer = service.ask(f"/api/v1/stream?{query}")
        assert answer.status == 400
        assert error in answer.json["error"]


def test_a_viewer_with_one_selection_too_many_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If others have joined since its request was checked. Its connection ends in order."""
    monkeypatch.setattr(Fleet, "has_room_for", lambda *_: True)
    monkeypatch.setattr(overviews, "MAX_SELECTIONS", 1)
    with front_end() as (service, _), service.viewer("/ws?hosts=*&site=a") as first:
        message(first)
        with (
            service.viewer("/ws?hosts=*&site=b") as second,
            pytest.raises(ConnectionClosed),
        ):
            message(second)
        assert (second.close_code, second.close_reason) == (1001, "going away")
        assert service.ask("/api/v1/stream?hosts=*&site=b").body == b""
        message(first)


def test_sparklines_are_those_of_the_named_hosts() -> None:
    """Unknown ones are left out. The number of names is limited."""
    with front_end() as (service, _):
        found = service.ask("/api/v1/sparklines?hosts=web-1,x").json["sparklines"]
        assert list(found) == ["web-1"]
        names = ",".join(f"h{number}" for number in range(MAX_SPARKLINES + 1))
        assert service.ask(f"/api/v1/sparklines?hosts={names}").status == 400
