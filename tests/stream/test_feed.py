"""One feed with a real hub and viewers in memory: what a viewer gets, in which order, and how often it is encoded."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry_stream.hub import End
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.stream import Resume
from tests.fleet.reports import received
from tests.server.service import sample
from tests.stream.streaming import (
    OTHER_HOST,
    WAIT_SECONDS,
    Viewer,
    add_feed,
    publish,
    remembered,
    streaming,
)

# What a viewer gets, in order.


def test_hello_comes_first() -> None:
    """It has the host, the run, the choice and, before the first sample, seq 0."""
    with streaming() as (_, _, feed), Viewer(feed, sections=("cpu",), every=3) as viewer:
        assert viewer.message() == {
            "type": "hello",
            "protocol": 1,
            "version": "1.2.3",
            "host": {
                "id": "host-1",
                "name": "box",
                "kernel": "Linux 6.1.0",
                "cpu_model": None,
                "cores": 2,
                "os": None,
            },
            "stream": feed.id,
            "interval_seconds": 0.5,
            "seq": 0,
            "every": 3,
            "sections": ["cpu"],
            "user": None,
            "alerts": None,
            "omitted_alerts": 0,
        }


def test_hello_names_the_user() -> None:
    """Two viewers with the same choice get their own user."""
    with (
        streaming() as (_, _, feed),
        Viewer(feed, user="kitchen") as kitchen,
        Viewer(feed, user="office") as office,
    ):
        assert [viewer.message()["user"] for viewer in (kitchen, office)] == ["kitchen", "office"]


def test_samples_are_numbered_from_one_without_gaps() -> None:
    """In the order of publishing."""
    with streaming() as (_, _, feed), Viewer(feed) as viewer:
        assert [feed.publish(sample(n)) for n in range(1, 6)] == [1, 2, 3, 4, 5]
        assert viewer.message()["type"] == "hello"
        messages = [viewer.message() for _ in range(5)]
        assert [m["seq"] for m in messages] == [1, 2, 3, 4, 5]
        assert {(m["type"], m["stream"], m["host"]) for m in messages} == {
            ("sample", feed.id, "host-1")
        }


def test_the_newest_sample_comes_at_once() -> None:
    """A viewer that asks for no history does not wait for the next tick."""
    with streaming() as (_, _, feed):
        publish(feed, 3)
        with Viewer(feed) as viewer:
            assert viewer.message()["seq"] == 3
            assert (newest := viewer.message())["type"] == "sample"
            assert newest["seq"] == 3
            assert newest["cpu"] == {"usage_percent": 3.0}
            publish(feed)
            assert viewer.message()["seq"] == 4


def test_the_history_comes_before_live_samples() -> None:
    """Once, as the second message."""
    with streaming() as (_, _, feed):
        publish(feed, 3)
        with Viewer(feed, Resume()) as viewer:
            assert viewer.message()["seq"] == 3
            history = viewer.message()
            assert [s["seq"] for s in history["samples"]] == [1, 2, 3]
            assert {s["type"] for s in history["samples"]} == {"sample"}
            publish(feed)
            assert viewer.message()["seq"] == 4


def test_an_empty_history_is_sent_too() -> None:
    """So the viewer knows that there is none."""
    with streaming() as (_, _, feed), Viewer(feed, Resume()) as viewer:
        assert viewer.message()["type"] == "hello"
        assert viewer.message() == {"type": "history", "samples": []}


def test_a_choice_thins_and_cuts_history_and_live_samples() -> None:
    """Every third sample, with one section and its source."""
    with streaming() as (_, _, feed):
        publish(feed, 7)
        with Viewer(feed, Resume(), sections=("pad",), every=3) as viewer:
            publish(feed, 3)
            assert viewer.seqs_to(9) == [3, 6, 9]
        with Viewer(feed, sections=("cpu", "nothing")) as viewer:
            assert viewer.message()["sections"] == ["cpu", "nothing"]
            newest = viewer.message()
            assert newest["cpu"] == {"usage_percent": 10.0}
            assert newest["sources"] == {"cpu": {"state": "ok", "took_seconds": 1e-05}}
            assert "pad" not in newest


def test_a_sample_without_chosen_sections_is_still_sent() -> None:
    """It shows that the host is alive."""
    with streaming() as (_, _, feed):
        publish(feed)
        assert json.loads(feed.maybe_latest(("nothing",)) or b"")["sources"] == {}


def with_processes(number: int) -> Sample:
    """A sample in which the on-demand section ``processes`` was collected."""
    plain = sample(number)
    return Sample(
        plain.host,
        plain.time_unix,
        plain.uptime_seconds,
        plain.interval_seconds,
        {**plain.sections, "processes": {"total": number}},
        {**plain.sources, "processes": SourceState("ok", 0.0)},
        frozenset({"processes"}),
    )


def test_on_demand_sections_reach_only_viewers_that_name_them() -> None:
    """They are in no history, even if it names them."""
    with streaming() as (_, _, feed), Viewer(feed) as plain:
        with Viewer(feed, sections=("cpu", "processes")) as naming:
            feed.publish(with_processes(1))
            naming.message()
            assert naming.message()["processes"] == {"total": 1}
        plain.message()
        assert "processes" not in str(plain.message())
        history = json.loads(b"".join(feed.history(Resume(), ("cpu", "processes"))))
        assert history["samples"][0].keys() >= {"cpu"}
        assert "processes" not in str(history)


def test_the_feed_knows_which_sections_were_collected() -> None:
    """Of the newest sample only; before the first there is none."""
    with streaming() as (_, _, feed):
        assert not feed.has(())
        feed.publish(with_processes(1))
        assert feed.has(("cpu", "processes"))
        publish(feed)
        assert feed.has(("cpu",))
        assert not feed.has(("cpu", "processes"))


# Encoded once.


def test_each_section_is_read_once_for_all_viewers() -> None:
    """A sample's sections are encoded when it is published, not for each viewer, history or request."""
    reads = 0

    class Counting(dict[str, Any]):
        def items(self) -> Any:
            nonlocal reads
            reads += 1
            return super().items()

    counted = sample(1)
    counted = Sample(
        counted.host,
        counted.time_unix,
        counted.uptime_seconds,
        counted.interval_seconds,
        Counting(counted.sections),
        counted.sources,
    )
    with streaming() as (_, _, feed):
        choices = [None, ("cpu",), ("pad",), ("cpu", "pad")]
        viewers = [Viewer(feed, sections=choice) for choice in choices]
        feed.publish(counted)
        for viewer in viewers:
            assert viewer.seqs_to(1) == [1]
            viewer.leave()
        b"".join(feed.history(Resume()))
        feed.maybe_latest(("cpu",))
    assert reads == 1


# Requests for the newest sample.


def test_the_newest_sample_is_the_published_object() -> None:
    """For consumers that need no text; None before the first."""
    with streaming() as (_, _, feed):
        assert feed.maybe_newest() is None
        assert feed.maybe_latest() is None
        for number in (1, 2):
            published = sample(number)
            feed.publish(published)
            assert feed.maybe_newest() is published


def test_waiting_for_a_newer_sample_with_all_sections() -> None:
    """A sample without them does not count, nor one that is there already."""
    with streaming() as (_, _, feed):
        publish(feed, 2)
        assert not feed.wait_newer(2, (), 0.0)
        assert not feed.wait_newer(0, ("processes",), 0.0)
        assert feed.wait_newer(1, ("cpu", "pad"), 0.0)


def test_publishing_wakes_a_waiting_request() -> None:
    """At once, and not when its timeout has passed, which is an hour here."""
    checked = threading.Event()

    class Checked(list[str]):
        # It is read under the feed's lock, just before the request waits.
        def __iter__(self) -> Iterator[str]:
            checked.set()
            return super().__iter__()

    with streaming() as (_, _, feed):
        publish(feed)
        answers: list[bool] = []
        waiter = threading.Thread(
            target=lambda: answers.append(feed.wait_newer(0, Checked(["processes"]), 3600.0)),
            daemon=True,
        )
        waiter.start()
        assert checked.wait(WAIT_SECONDS)
        feed.publish(with_processes(2))
        waiter.join(WAIT_SECONDS)
        assert answers == [True]


# Samples that another program has numbered.


def test_a_sample_keeps_the_number_that_another_program_gave_it() -> None:
    """Its run id and seq are those of the origin, in hello, live samples, history and resume."""
    with streaming() as (_, _, feed):
        assert feed.publish_as("run-7", 41, sample(41))
        with Viewer(feed, Resume(since=41, stream="run-7")) as viewer:
            assert feed.publish_as("run-7", 42, sample(42))
            hello = viewer.message()
            assert (hello["stream"], hello["seq"]) == ("run-7", 41)
            assert viewer.message()["samples"] == []
            live = viewer.message()
            assert (live["stream"], live["seq"]) == ("run-7", 42)
        assert remembered(feed, Resume(since=41, stream="run-7")) == [42]


def test_a_sample_that_came_already_is_discarded() -> None:
    """A duplicate or an older one reaches no viewer; a jump is published and stays visible as a gap."""
    with streaming() as (_, _, feed), Viewer(feed) as viewer:
        results = [feed.publish_as(feed.id, seq, sample(seq)) for seq in (3, 3, 2, 4, 9, 8)]
        assert results == [True, False, False, True, True, False]
        assert viewer.seqs_to(9) == [3, 4, 9]
        assert remembered(feed) == [3, 4, 9]


def test_every_follows_the_numbers_of_the_other_program() -> None:
    """Two front ends deliver the same samples of a host to viewers with the same choice."""
    with streaming() as (_, _, feed), Viewer(feed, every=5) as viewer:
        for seq in range(13, 31):
            feed.publish_as(feed.id, seq, sample(seq))
        assert viewer.seqs_to(30) == [15, 20, 25, 30]


def test_the_first_sample_of_each_run_is_reported() -> None:
    """In whichever way it is published."""
    reports: list[str] = []
    with streaming() as (_, stream, _):
        feed = stream.unlisted(
            OTHER_HOST,
            section_names=("cpu",),
            demand=stream.feed().demand,
            on_first_sample=lambda: reports.append(feed.id),
        )
        runs = [feed.id, "run-1", "run-2"]
        publish(feed, 2)
        feed.publish_as("run-1", 5, sample(5))
        feed.publish_received([(received(seq, "run-2"), 0.0) for seq in (1, 2)])
        feed.publish_received([(received(3, "run-2"), 0.0)])
        assert reports == runs


def test_another_run_starts_anew() -> None:
    """Its viewers are closed with 1001, since their numbers mean nothing there, and the ring holds the new run only."""
    with streaming() as (_, stream, feed):
        feed.publish_as("run-1", 100, sample(100))
        with Viewer(feed) as viewer, Viewer(add_feed(stream, OTHER_HOST)) as of_other_host:
            assert feed.publish_as("run-2", 1, sample(1))
            assert viewer.client.end is End.GOING_AWAY
            assert of_other_host.client.end is None
        assert (feed.id, feed.seq, remembered(feed)) == ("run-2", 1, [1])
        assert remembered(feed, Resume(since=100, stream="run-1")) == [1]
        with Viewer(feed) as again:
            assert (again.message()["stream"], again.message()["seq"]) == ("run-2", 1)


def test_hello_has_the_run_before_its_first_sample() -> None:
    """If the other program's run is known, a viewer that waits for the first sample gets it, and is not closed."""
    with streaming() as (_, stream, _):
        feed = add_feed(stream, OTHER_HOST, run="run-1")
        with Viewer(feed) as viewer:
            assert viewer.message()["stream"] == "run-1"
            feed.publish_as("run-1", 5, sample(5))
            assert viewer.client.end is None
            assert viewer.seqs_to(5) == [5]


def test_an_unknown_first_run_closes_the_viewers_that_wait() -> None:
    """Their hello has another id, so they could not resume. They reconnect, and get the right one."""
    with streaming() as (_, _, feed), Viewer(feed) as viewer:
        assert viewer.message()["stream"] == feed.id
        feed.publish_as("run-1", 5, sample(5))
        assert viewer.client.end is End.GOING_AWAY
        with Viewer(feed) as again:
            assert again.message()["stream"] == "run-1"


# Sections without a JSON form.


def _recursive() -> dict[str, object]:
    own: dict[str, object] = {}
    own["self"] = own
    return own


@pytest.mark.parametrize(
    "section",
    [
        pytest.param({"value": float("nan")}, id="nan"),
        pytest.param(Load(float("inf"), 1.0, 1.0, 0.5, 1, 2, 3, 4), id="infinite record"),
        pytest.param({"value": b"bytes"}, id="bytes"),
        pytest.param({(1, 2): 3}, id="key"),
        pytest.param(object(), id="object"),
        pytest.param(_recursive(), id="contains itself"),
    ],
)
def test_a_section_without_json_form_costs_only_itself(section: object) -> None:
    """It is left out and its source has failed; the other sections and the feed continue."""
    good = sample(1)
    bad = Sample(
        good.host,
        good.time_unix,
        good.uptime_seconds,
        good.interval_seconds,
        {"own": section, **good.sections},
        {"own": SourceState("ok", 0.25), **good.sources},
    )
    with streaming() as (_, _, feed):
        feed.publish(bad)
        publish(feed)
        oldest = json.loads(b"".join(feed.history(Resume())))["samples"][0]
        assert "own" not in oldest
        assert oldest["cpu"] == {"usage_percent": 1.0}
        own = oldest["sources"].pop("own")
        assert (own["state"], own["took_seconds"]) == ("failed", 0.25)
        assert own["reason"].startswith("no JSON: ")
        assert set(oldest["sources"]) == {"cpu", "pad"}
        assert feed.seq == 2
