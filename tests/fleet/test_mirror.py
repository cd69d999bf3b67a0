"""A mirror keeps the samples of its origin without gaps, as far as the origin remembers them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import pytest

from telemetry_stream.fleet.mirror import (
    DEFAULT_SECTIONS,
    FIRST_SECONDS,
    HELD_SAMPLES,
    HELD_SECONDS,
    ON_DEMAND,
    PAUSE_SECONDS,
    Gaps,
    Mirror,
)
from telemetry_stream.fleet.remote import Want
from telemetry_stream.hub import End, Hub
from telemetry_stream.stream import Resume, Stream
from telemetry_stream.stream.received import MAX_SECTIONS
from tests.fleet.reports import RecordingRemote, received
from tests.stream.streaming import (
    OTHER_HOST,
    WAIT_SECONDS,
    Clock,
    Viewer,
    remembered,
    streaming,
)

NOTHING = frozenset[str]()


class Mirroring(NamedTuple):
    """A started mirror of host-2, whose run is run-1."""

    mirror: Mirror
    remote: RecordingRemote
    gaps: Gaps
    clock: Clock
    hub: Hub

    def deliver(self, *seqs: int, stream: str = "run-1") -> None:
        """Deliver live samples, one by one."""
        for seq in seqs:
            self.mirror.receive([received(seq, stream)], is_complete=False)

    def answer(self, *seqs: int, stream: str = "run-1") -> None:
        """Deliver an answer to a request."""
        self.mirror.receive([received(seq, stream) for seq in seqs], is_complete=True)

    def wait(self, seconds: float, again: int = 1) -> None:
        """Let time pass, in which the host is heard: it sends a known sample again."""
        while seconds > 0:
            self.clock.now += min(1.0, seconds)
            self.deliver(again)
            seconds = round(seconds - 1.0, 3)

    @property
    def published(self) -> list[int]:
        """The numbers of all samples that viewers have got."""
        return remembered(self.mirror.feed)

    @property
    def counts(self) -> tuple[int, int]:
        """Repaired and unrepaired gaps."""
        return self.gaps.repaired, self.gaps.unrepaired


@contextmanager
def mirroring(*, is_filled: bool = True) -> Iterator[Mirroring]:
    """A mirror that has been started, and usually has the samples 1 to 3."""
    clock, remote, gaps = Clock(), RecordingRemote(), Gaps()

    def make(stream: Stream) -> Mirror:
        return Mirror(
            lambda demand: stream.unlisted(
                OTHER_HOST, section_names=DEFAULT_SECTIONS, demand=demand, run="run-1"
            ),
            remote,
            gaps,
            interval_seconds=1.0,
            monotonic=clock,
        )

    with streaming(monotonic=clock) as (hub, stream, _):
        started = Mirroring(make(stream), remote, gaps, clock, hub)
        started.mirror.start()
        assert remote.wants == [Want(NOTHING, 0, "run-1")]
        if is_filled:
            started.answer(1, 2, 3)
        yield started


def test_it_begins_with_what_the_origin_remembers() -> None:
    """Live samples that come before are held, so that they do not hide the older ones."""
    with mirroring(is_filled=False) as here:
        here.deliver(4, 5)
        assert not here.mirror.wait_filled(0)
        assert here.published == []
        here.answer(2, 3, 4)
        assert here.mirror.wait_filled(0)
        here.deliver(6)
        assert here.published == [2, 3, 4, 5, 6]
        assert here.counts == (1, 0)
        assert len(here.remote.wants) == 1


def test_the_first_answer_may_take_long() -> None:
    """Of the live samples, the newest sixteen are held; those between the answer and them are requested."""
    with mirroring(is_filled=False) as here, Viewer(here.mirror.feed):
        for seq in range(101, 140):
            here.deliver(seq)
            here.clock.now += 1.0
            here.mirror.tick()
        assert here.published == []
        here.answer(*range(1, 104))
        assert here.mirror.wait_filled(0)
        assert here.published == list(range(1, 104))
        assert here.remote.wants[1:] == [Want(NOTHING, 103, "run-1")]
        here.deliver(140, 141)
        here.answer(*range(104, 141))
        assert here.published == list(range(1, 142))
        assert here.counts == (1, 0)


def test_what_is_missing_behind_the_first_answer_may_stay_a_gap() -> None:
    """Like any other, it is counted."""
    with mirroring(is_filled=False) as here:
        here.deliver(*range(101, 140))
        here.answer(*range(1, 104))
        here.wait(HELD_SECONDS + 0.1)
        here.mirror.tick()
        newest = range(140 - HELD_SAMPLES, 140)
        assert here.published == [*range(1, 104), *newest]
        assert here.counts == (0, 1)


def test_without_an_answer_it_begins_with_the_live_samples() -> None:
    """After 45 seconds. What the host remembered is a gap."""
    with mirroring(is_filled=False) as here, Viewer(here.mirror.feed):
        here.deliver(4, 5)
        here.wait(FIRST_SECONDS - 0.1, again=4)
        here.mirror.tick()
        assert here.published == []
        here.wait(0.1, again=4)
        here.mirror.tick()
        assert here.mirror.wait_filled(0)
        assert here.published == [4, 5]
        assert here.counts == (0, 1)


def test_a_request_that_is_given_up_is_replaced() -> None:
    """The remote repeats a request until it is answered, and this one may have an answer that is too long."""
    with mirroring(is_filled=False) as here, Viewer(here.mirror.feed):
        here.deliver(4, 5)
        here.wait(FIRST_SECONDS, again=4)
        here.mirror.tick()
        assert here.remote.wants[1:] == [Want(NOTHING, 5, "run-1")]
        here.answer()
        here.mirror.tick()
        here.clock.now += 1.0
        here.deliver(7)
        here.wait(HELD_SECONDS + 0.1, again=7)
        here.mirror.tick()
        assert here.remote.wants[2:] == [Want(NOTHING, 5, "run-1"), Want(NOTHING, 7, "run-1")]
        here.answer(8)
        assert here.published == [4, 5, 7, 8]
        assert here.counts == (0, 2)


def test_a_host_that_remembers_nothing_is_not_waited_for() -> None:
    """Its first answer was empty, so an ordinary gap is all that may be missing."""
    with mirroring(is_filled=False) as here:
        here.answer()
        here.deliver(4)
        here.wait(HELD_SECONDS + 0.1, again=4)
        here.mirror.tick()
        assert here.published == [4]


def test_the_text_of_a_history_keeps_its_time() -> None:
    """A viewer that requests the last seconds gets the samples of these seconds, although all came at once."""
    with mirroring(is_filled=False) as here:
        here.answer(*range(1, 101))
        text = b"".join(here.mirror.feed.history(Resume(history_seconds=10)))
        assert [sample["seq"] for sample in json.loads(text)["samples"]] == list(range(91, 101))


def test_the_wall_clock_replaces_an_unknown_uptime() -> None:
    """A clock that was set back makes no sample younger than the newest one."""
    with mirroring(is_filled=False) as here:
        samples = [replace(received(seq), uptime_seconds=None) for seq in range(1, 11)]
        samples[0] = replace(samples[0], time_unix=5000.0)
        here.mirror.receive(samples, is_complete=True)
        text = b"".join(here.mirror.feed.history(Resume(history_seconds=5)))
        assert [sample["seq"] for sample in json.loads(text)["samples"]][-5:] == [6, 7, 8, 9, 10]


def test_a_gap_is_filled_by_request() -> None:
    """The later samples wait for the missing ones, then all go on in order."""
    with mirroring() as here, Viewer(here.mirror.feed) as viewer:
        here.deliver(4, 7, 8)
        assert here.published == [1, 2, 3, 4]
        assert here.remote.wants[1:] == [Want(NOTHING, 4, "run-1")]
        here.answer(5, 6, 7)
        here.deliver(9)
        assert viewer.seqs_to(9) == [3, 4, 5, 6, 7, 8, 9]
        assert here.counts == (1, 0)


def test_missing_samples_may_come_one_by_one() -> None:
    """Late, twice and out of order."""
    with mirroring() as here:
        here.deliver(6, 8, 6, 3, 4, 5, 7, 7, 9)
        assert here.published == list(range(1, 10))
        assert here.counts == (1, 0)


def test_samples_that_were_missed_while_disconnected_are_a_repaired_gap() -> None:
    """A new connection begins with them, without a request of the mirror."""
    with mirroring() as here:
        here.answer(4, 5, 6)
        assert here.published == [1, 2, 3, 4, 5, 6]
        assert here.counts == (1, 0)
        here.answer()
        assert here.counts == (1, 0)


def test_what_the_origin_has_forgotten_stays_a_gap() -> None:
    """It is visible to viewers, and counted."""
    with mirroring() as here:
        here.deliver(20)
        here.answer(18, 19, 20)
        assert here.published == [1, 2, 3, 18, 19, 20]
        assert here.counts == (0, 1)
        here.deliver(21)
        assert here.published[-1] == 21


def test_a_sample_that_is_lost_while_an_answer_is_on_its_way_is_requested() -> None:
    """What came behind it is held meanwhile, as for any other gap."""
    with mirroring() as here:
        here.deliver(6)
        here.clock.now += 1.0
        here.deliver(7, 9)
        here.answer(4, 5, 6, 7)
        assert here.published == list(range(1, 8))
        assert here.remote.wants[2:] == [Want(NOTHING, 7, "run-1")]
        assert here.counts == (1, 0)
        here.deliver(10)
        here.answer(8, 9, 10)
        assert here.published == list(range(1, 11))
        assert here.counts == (2, 0)


def test_so_is_one_that_is_lost_during_the_first_answer() -> None:
    """Viewers join with what is there already."""
    with mirroring(is_filled=False) as here:
        here.deliver(5, 6)
        here.answer(1, 2, 3)
        assert here.mirror.wait_filled(0)
        assert here.published == [1, 2, 3]
        assert here.counts == (0, 0)
        here.answer(4, 5)
        assert here.published == [1, 2, 3, 4, 5, 6]
        assert here.counts == (1, 0)


@pytest.mark.parametrize("reason", ["time", "number"])
def test_what_an_answer_left_is_held_as_long_as_for_another_gap(reason: str) -> None:
    """From the answer on, for three seconds or sixteen samples."""
    with mirroring() as here:
        here.deliver(5)
        here.clock.now += HELD_SECONDS
        here.deliver(*range(7, 22))
        here.answer(4, 5)
        if reason == "time":
            here.wait(HELD_SECONDS)
            here.mirror.tick()
        else:
            here.deliver(*range(22, 22 + HELD_SAMPLES))
        assert here.published == [1, 2, 3, 4, 5]
        here.wait(0.1)
        here.mirror.tick() if reason == "time" else here.deliver(22 + HELD_SAMPLES)
        assert here.published[5:9] == [7, 8, 9, 10]
        assert here.counts == (1, 1)


def test_answers_without_the_missing_sample_do_not_prolong_that() -> None:
    """A host may send them at any rate. Each causes at most one request per second."""
    with mirroring() as here:
        here.deliver(5)
        for _ in range(100):
            here.answer()
        assert here.published == [1, 2, 3]
        assert len(here.remote.wants) == 2
        here.wait(HELD_SECONDS + 0.1)
        here.answer()
        here.mirror.tick()
        assert here.published == [1, 2, 3, 5]
        assert here.counts == (0, 1)


@pytest.mark.parametrize("reason", ["time", "number"])
def test_samples_are_held_for_three_seconds_or_sixteen_samples(reason: str) -> None:
    """Then they go on with the gap."""
    with mirroring() as here:
        here.deliver(5)
        if reason == "time":
            here.wait(HELD_SECONDS)
            here.mirror.tick()
            assert here.published == [1, 2, 3]
            here.wait(0.1)
            here.mirror.tick()
            assert here.published == [1, 2, 3, 5]
        else:
            here.deliver(*range(6, 5 + HELD_SAMPLES))
            assert here.published == [1, 2, 3]
            here.deliver(5 + HELD_SAMPLES)
            assert here.published == [1, 2, 3, *range(5, 6 + HELD_SAMPLES)]
        assert here.counts == (0, 1)


def test_gaps_cause_at_most_one_request_per_second() -> None:
    """A host may invent gaps at any rate, and each request opens a connection."""
    with mirroring() as here:
        here.deliver(*range(10, 10_000, 10))
        assert len(here.remote.wants) == 2
        here.clock.now += 1.0
        here.mirror.tick()
        assert len(here.remote.wants) <= 3


def test_another_run_begins_anew() -> None:
    """Its first sample is 1. If that was missed, it is requested; viewers of the old run reconnect."""
    with mirroring() as here, Viewer(here.mirror.feed) as viewer:
        here.deliver(1, 2, stream="run-2")
        assert (here.mirror.feed.id, here.published) == ("run-2", [1, 2])
        assert viewer.client.end is End.GOING_AWAY
        here.clock.now += 1.0
        here.deliver(3, stream="run-3")
        assert here.mirror.feed.id == "run-2"
        here.answer(1, 2, 3, stream="run-3")
        assert (here.mirror.feed.id, here.published) == ("run-3", [1, 2, 3])


def test_viewers_on_demand_sections_are_requested() -> None:
    """As long as somebody names them, and a little longer."""
    with mirroring() as here:
        with Viewer(here.mirror.feed, sections=("cpu", "processes")):
            here.mirror.tick()
            assert here.remote.wants[1:] == [Want(frozenset({"processes"}), 3, "run-1")]
            here.answer(4)
            assert here.counts == (0, 0)
            here.mirror.tick()
        here.clock.now += 6.0
        here.mirror.tick()
        assert here.remote.wants[2:] == [Want(NOTHING, 4, "run-1")]
    assert {"processes", "containers", "vitals"} == ON_DEMAND


def test_sections_of_an_embedding_program_become_known() -> None:
    """A viewer can name them as soon as the first sample has come."""
    with mirroring() as here:
        assert "orders" not in here.mirror.feed.section_names
        sample = received(4, cpu={}, orders={"open": 1})
        here.mirror.receive([sample], is_complete=False)
        assert here.mirror.feed.section_names[-1] == "orders"
        assert len(set(here.mirror.feed.section_names)) == len(here.mirror.feed.section_names)


def test_the_number_of_known_sections_is_limited() -> None:
    """A host may invent new names in each sample."""
    with mirroring() as here:
        for seq in range(4, 4 + MAX_SECTIONS):
            here.mirror.receive([received(seq, "run-1", **{f"orders{seq}": {}})], is_complete=False)
        names = here.mirror.feed.section_names
        assert len(names) == MAX_SECTIONS
        assert names[: len(DEFAULT_SECTIONS)] == DEFAULT_SECTIONS
        assert "orders4" in names


def test_it_counts_the_time_without_a_viewer() -> None:
    """A page that is reloaded finds everything as it was."""
    with mirroring() as here:
        with Viewer(here.mirror.feed):
            here.clock.now += 1000.0
            here.mirror.tick()
        assert here.mirror.unused_seconds() == 0
        here.clock.now += 60.0
        here.mirror.tick()
        assert here.mirror.unused_seconds() == 60.0
        here.mirror.use()
        assert here.mirror.unused_seconds() == 0


def test_a_viewer_of_a_stopped_mirror_is_closed() -> None:
    """It reconnects, and finds another one, or an error."""
    with mirroring() as here, Viewer(here.mirror.feed) as viewer:
        here.mirror.stop()
        assert here.remote.wants[-1] is None
        assert viewer.client.end is End.GOING_AWAY


def test_a_stopped_mirror_requests_nothing() -> None:
    """Whatever still happens to it: the remote may have another mirror."""
    with mirroring() as here:
        here.mirror.stop()
        count = len(here.remote.wants)
        with Viewer(here.mirror.feed, sections=("processes",)):
            here.clock.now += 1.0
            here.deliver(9)
            here.mirror.tick()
        here.clock.now += PAUSE_SECONDS + 10.0
        here.mirror.tick()
        here.mirror.use()
        assert len(here.remote.wants) == count


def test_without_viewers_nothing_is_received_and_the_next_one_misses_nothing() -> None:
    """The ring stays, and what was missed is requested. That is no gap."""
    with mirroring() as here:
        here.clock.now += PAUSE_SECONDS
        here.mirror.tick()
        assert here.remote.wants[-1] is not None
        here.clock.now += 0.1
        here.mirror.tick()
        assert here.remote.wants[-1] is None
        count = len(here.remote.wants)
        here.clock.now += 20
        here.mirror.tick()
        assert len(here.remote.wants) == count
        here.mirror.use()
        assert here.remote.wants[count:] == [Want(NOTHING, 3, "run-1")]
        assert not here.mirror.wait_filled(0)
        here.deliver(9)
        here.answer(4, 5, 6, 7, 8)
        assert here.mirror.wait_filled(0)
        assert here.published == [1, 2, 3, 4, 5, 6, 7, 8, 9]
        assert here.counts[1] == 0
        here.mirror.use()
        here.mirror.tick()
        assert len(here.remote.wants) == count + 1


def test_samples_that_were_held_before_a_pause_wait_for_the_answer() -> None:
    """Those before them are in it."""
    with mirroring() as here:
        here.deliver(6)
        here.clock.now += PAUSE_SECONDS + 0.1
        here.mirror.tick()
        here.clock.now += 40.0
        here.mirror.use()
        here.mirror.tick()
        assert here.published == [1, 2, 3]
        here.answer(4, 5, 6, 7)
        assert here.published == [1, 2, 3, 4, 5, 6, 7]


def test_held_samples_wait_while_our_own_link_is_down() -> None:
    """The answer cannot arrive, so the gap is not final."""
    with mirroring() as here:
        here.deliver(6)
        here.remote.link_state = "unknown"
        here.clock.now += 2 * HELD_SECONDS
        here.mirror.tick()
        assert here.published == [1, 2, 3]
        here.remote.link_state = "up"
        here.deliver(1)
        here.wait(HELD_SECONDS)
        here.mirror.tick()
        assert here.published == [1, 2, 3]
        here.wait(0.1)
        here.mirror.tick()
        assert here.published == [1, 2, 3, 6]


def test_held_samples_wait_while_the_host_or_this_program_is_frozen() -> None:
    """The answer cannot come meanwhile, and neither can newer samples. A host that stays silent ends the wait."""
    with mirroring() as here, Viewer(here.mirror.feed):
        here.deliver(6)
        here.clock.now += 12.0
        here.mirror.tick()
        here.deliver(7)
        here.mirror.tick()
        assert here.published == [1, 2, 3]
        here.answer(4, 5, 6, 7)
        assert here.published == list(range(1, 8))
        here.deliver(10)
        here.clock.now += FIRST_SECONDS + 0.1
        here.mirror.tick()
        assert here.published[-1] == 10
        assert here.counts == (1, 1)


def test_many_samples_at_once_reach_a_viewer_that_is_there() -> None:
    """Even one that takes nothing meanwhile: its queue would have no room for a hundred frames."""
    with mirroring(is_filled=False) as here, Viewer(here.mirror.feed) as viewer:
        with viewer.stalled():
            here.answer(*range(1, 101))
            here.deliver(101)
            here.deliver(104)
            here.answer(102, 103, 104)
            here.hub.is_responsive(WAIT_SECONDS)  # the frames are in the queue
        assert viewer.seqs_to(104) == list(range(1, 105))
        assert viewer.client.dropped == 0
