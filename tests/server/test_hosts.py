"""The hosts of a stream, over real HTTP."""

from __future__ import annotations

import pytest

from telemetry_stream.hub import Hub
from telemetry_stream.net.answer import HTTPError
from telemetry_stream.server.hosts import StreamHosts
from telemetry_stream.stream import HistoryLimits, Stream
from tests.server.service import Service
from tests.stream.streaming import OTHER_HOST, add_feed, publish
from tests.websocket.peer import Peer


def test_a_request_may_name_its_host() -> None:
    """On every route of the stream. Without it, the first host answers; an unknown one is a 404."""
    with Service() as service:
        other = add_feed(service.stream, OTHER_HOST)
        service.publish(3)
        publish(other, 5)
        for path, seq in (("", 3), ("?host=host-1", 3), ("?host=host-2", 5)):
            assert service.ask(f"/api/v1/sample{path}").json["seq"] == seq
            samples = service.ask(f"/api/v1/history{path}").json["samples"]
            assert [sample["seq"] for sample in samples] == list(range(1, seq + 1))
            with Peer(service.address, f"/ws{path}") as viewer:
                hello, newest = viewer.message(), viewer.message()
                assert (hello["host"]["id"], newest["seq"]) == (path[-6:] or "host-1", seq)
        for path in ("/api/v1/sample", "/api/v1/history", "/api/v1/stream"):
            answer = service.ask(f"{path}?host=host-3")
            assert (answer.status, answer.json) == (404, {"error": "Unknown host 'host-3'"})
        assert service.ask("/metrics?host=host-1").status == 400


def test_the_alerts_are_those_of_the_named_host() -> None:
    """Without a name, of the first one. They are unknown if no rules are evaluated."""
    with Service() as service:
        add_feed(service.stream, OTHER_HOST)
        for path, host in (("", "host-1"), ("?host=host-2", "host-2")):
            answer = service.ask(f"/api/v1/alerts{path}")
            assert (answer.status, answer.json["host"], answer.json["alerts"]) == (200, host, None)
        assert service.ask("/api/v1/alerts?host=host-3").status == 404


def test_without_a_feed_a_request_may_be_repeated() -> None:
    """An embedding program may add its first host later."""
    stream = Stream(Hub(), version="1.2.3", history=HistoryLimits(1.0))
    with pytest.raises(HTTPError) as caught:
        StreamHosts(stream).feed({}, None)
    assert caught.value.status == "503 Service Unavailable"
    assert ("Retry-After", "1") in caught.value.headers


def test_there_is_no_overview() -> None:
    """Its parameters are refused, and it has no routes."""
    with Service() as service:
        answer = service.ask("/api/v1/stream?hosts=*")
        assert answer.status == 400
        assert "(allowed: host, every, sections, history, since, stream)" in answer.json["error"]
        assert service.ask("/api/v1/hosts").status == 404
