"""How many mirrors there are, and when one ends."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.fleet.mirrors import NotWatchableError
from telemetry_stream.fleet.table import UnknownHostError
from telemetry_stream.hub import End
from telemetry_stream.metrics.sources.host import HostInfo
from tests.conftest import eventually
from tests.fleet.fleeting import answer, answering, fleeting
from tests.fleet.reports import received
from tests.stream.streaming import Viewer


def test_a_mirror_ends_a_minute_after_its_last_viewer() -> None:
    """Samples that still come are discarded. The next viewer begins anew."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        feed, _ = here.fleet.feed("a")
        here.tick(61.0)
        assert remote.wants[-1] is None
        assert here.fleet.stats().watched == 0
        remote.report.samples([received(1, "run-of-a")], is_complete=True)
        assert here.fleet.feed("a")[0] is not feed


@pytest.mark.parametrize(
    "change",
    [
        {"host": HostInfo("a", "new", "6.12", None, 8, None)},
        {"interval_seconds": 5.0},
        {"site": "east"},
        {"tags": ("db",)},
    ],
)
@pytest.mark.parametrize("is_same_run", [True, False])
def test_a_host_that_has_changed_gets_another_mirror(
    change: dict[str, Any], is_same_run: bool
) -> None:
    """Its viewers are closed, and get the new hello when they return: at once, or after the next tick."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        feed, _ = here.fleet.feed("a")
        first = remote.identity  # type: ignore[attr-defined]
        again = first._replace(stream=first.stream if is_same_run else "run-2")
        with Viewer(feed) as viewer:
            viewer.message()
            remote.report.identified(again)
            here.tick()
            assert here.fleet.feed("a")[0] is feed
            remote.report.identified(again._replace(**change))
            if is_same_run:
                here.tick()
                assert eventually(lambda: viewer.client.end is End.GOING_AWAY)
            other, _ = here.fleet.feed("a")
        assert other is not feed
        with Viewer(other) as viewer:
            hello = viewer.message()
        assert hello["host"]["name"] == ("new" if "host" in change else "name of a")
        assert hello["interval_seconds"] == change.get("interval_seconds", 1.0)
        assert hello.get("site", "") == change.get("site", "")


def test_the_number_of_watched_hosts_is_limited() -> None:
    """A mirror that had no viewer for ten seconds gives its slot up, the one that was used first."""
    remotes = [answering(name) for name in "abcd"]
    with fleeting(*remotes, max_watched=2) as here:
        for remote in remotes:
            answer(remote)
        here.fleet.feed("a")
        here.clock.now += 1
        second, _ = here.fleet.feed("b")
        here.clock.now += 9
        with pytest.raises(NotWatchableError):  # a viewer may be about to join
            here.fleet.feed("c")
        here.clock.now += 2
        third, _ = here.fleet.feed("c")
        assert remotes[0].wants[-1] is None
        here.clock.now += 11
        with (
            Viewer(second),
            Viewer(third),
            pytest.raises(NotWatchableError, match=r"Limit .*\(2\)"),
        ):
            here.fleet.feed("d")


def test_a_host_that_has_not_answered_cannot_be_watched() -> None:
    """The reason is that of its remote; an unknown id is another error."""
    remote = answering("a")
    with fleeting(remote) as here:
        remote.report.failed("Connection refused")
        here.tick()
        with pytest.raises(NotWatchableError, match=r"not answered yet \(Connection refused\)"):
            here.fleet.feed("a")
        for unknown in ("b", None):
            with pytest.raises(UnknownHostError):
                here.fleet.feed(unknown)
