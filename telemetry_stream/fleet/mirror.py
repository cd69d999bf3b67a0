"""The mirror of a watched host: a feed with the run id and the numbers of its origin.

A viewer's ``since&stream`` therefore has the same meaning on every front end. The mirror begins with all that the
origin remembers, and fills each gap from there: it requests what follows the last sample that it has, and holds the
later ones back meanwhile. A gap that cannot be filled stays visible.

Ten seconds after its last viewer, a mirror stops receiving samples, and requests what it has missed for the next one.
It is kept until it has had no viewer for a minute. Its owner calls ``tick`` once per second.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..metrics.sources import SECTIONS
from ..stream import Demand, Feed
from ..stream.received import MAX_SECTIONS, ReceivedSample
from .alerts import Alerts
from .meeting import Aged, meet
from .remote import Identity, Remote, Want

HELD_SAMPLES = 16
HELD_SECONDS = 3.0
FIRST_SECONDS = 45.0  # a first answer is long; it cannot be published behind newer samples
# A host without a sample for so long was frozen, or this program was: nothing newer waits for the held samples.
SILENT_INTERVALS = 1.5
ASK_SECONDS = 1.0  # between two requests because of gaps: a host may invent gaps at any rate
PAUSE_SECONDS = 10.0  # a page that is reloaded finds the mirror as it was
LINGER_SECONDS = 60.0

ON_DEMAND = frozenset(section.name for section in SECTIONS if section.is_on_demand)
DEFAULT_SECTIONS = tuple(section.name for section in SECTIONS if not section.is_on_demand)


@dataclass(slots=True)
class Gaps:
    """Counts of gaps, for all mirrors. Without a lock: if two threads count at once, one count may be lost."""

    repaired: int = 0
    unrepaired: int = 0


class Mirror:
    """The feed of one remote host, kept without gaps as far as the origin remembers.

    Any thread may call any method. ``_lock`` guards everything that waits to be published, and orders publishing.
    """

    def __init__(
        self,
        make_feed: Callable[[Demand], Feed],
        remote: Remote,
        gaps: Gaps,
        *,
        interval_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``make_feed(demand)`` returns the feed."""
        self._demand = Demand(
            default_sections=DEFAULT_SECTIONS,
            interval_seconds=interval_seconds,
            idle_interval_seconds=0,
            on_interval=lambda _: None,
            monotonic=monotonic,
        )
        self.feed = make_feed(self._demand)
        self.identity: Identity | None = None  # that its owner has made it of
        self._remote = remote
        self._gaps = gaps
        self._silent_seconds = SILENT_INTERVALS * interval_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._held: list[ReceivedSample] = []  # of one run, in rising order
        self._held_since = 0.0
        self._held_limit = HELD_SAMPLES
        self._heard_at = monotonic()
        # Whether the samples that the next answer has are missing because of a gap, such as a lost connection.
        self._is_gap = False
        self._is_asked = False  # a request has not been answered yet
        self._asked_at = -math.inf  # because of a gap
        self._requested_at = -math.inf  # for whatever reason
        self._first_until = -math.inf  # the end of the wait for the first answer
        self._sections: frozenset[str] = frozenset()
        self._source_names: tuple[str, ...] = ()
        self._used_at = monotonic()
        self._is_paused = False
        self._is_stopped = False

    def start(self) -> None:
        """Request what the origin remembers, and then each sample."""
        with self._lock:
            self._begin_locked()

    def stop(self) -> None:
        """Request nothing any more, and close the viewers that are left. The remote may have another mirror then."""
        with self._lock:
            self._is_stopped = True
            self._remote.unwatch()
        self.feed.audience.close()

    def wait_filled(self, timeout: float) -> bool:
        """Wait until what the origin remembers is there, and return whether it is."""
        return self._filled.wait(timeout)

    def use(self) -> None:
        """Note that a viewer is about to join."""
        self._used_at = self._monotonic()
        with self._lock:
            if self._is_paused:
                self._is_paused = False
                self._filled.clear()
                self._begin_locked()

    def unused_seconds(self) -> float:
        """Return for how long there has been no viewer."""
        return self._monotonic() - self._used_at

    def tick(self) -> None:
        """Note the viewers, request the sections that they want, and publish what was held for too long."""
        chosen = self.feed.audience.sections()
        self._demand.tick(chosen)
        if chosen:
            self.use()
        sections = self._demand.wanted() & ON_DEMAND
        with self._lock:
            if self._is_paused or self._is_stopped:
                return
            if self.unused_seconds() > PAUSE_SECONDS:
                self._is_paused = True
                self._remote.unwatch()
                return
            if sections != self._sections:
                self._sections = sections
                self._ask_locked(is_gap=False)
            if not self._held:
                return
            now = self._monotonic()
            if self._remote.link(self._requested_at) != "up":
                self._held_since = now  # no answer can arrive, and no newer sample either
            may_wait_long = self._is_first_locked() or now - self._heard_at > self._silent_seconds
            if now - self._held_since > (FIRST_SECONDS if may_wait_long else HELD_SECONDS):
                self._give_up_locked()
            else:
                self._ask_again_locked()

    def publish_alerts(self, alerts: Alerts) -> None:
        """Send the alerts of the host to its viewers, unless nothing is known of them."""
        firing = alerts.firing_alerts
        if firing is not None:
            self.feed.publish_alerts(alerts.time_unix, firing, alerts.resolved, alerts.omitted)

    def receive(self, samples: Sequence[ReceivedSample], *, is_complete: bool) -> None:
        """Publish samples of the remote, in order. ``is_complete``: the origin has no more for the last request."""
        with self._lock:
            now = self._monotonic()
            if now - self._heard_at > self._silent_seconds:
                self._held_since = now  # the answer could not arrive either
            self._heard_at = now
            if is_complete:
                self._complete_locked(samples)
                return
            for sample in samples:
                self._receive_locked(sample)

    def _receive_locked(self, sample: ReceivedSample) -> None:
        if self._held and self._held[0].stream != sample.stream:
            self._give_up_locked()
        following = self._following_locked(sample)
        if sample.seq == following:
            self._publish_locked([(sample, 0.0), *self._taken_locked(following)])
        elif sample.seq > following:
            self._hold_locked(sample)

    def _following_locked(self, sample: ReceivedSample) -> int:
        """Return the number that the next sample of this run must have."""
        return self.feed.seq + 1 if sample.stream == self.feed.id else 1

    def _taken_locked(self, seq: int) -> list[Aged]:
        """Take the held samples that follow ``seq`` without a gap."""
        taken: list[Aged] = []
        while self._held and self._held[0].seq <= seq + 1:
            seq = self._held[0].seq
            taken.append((self._held.pop(0), 0.0))
        self._gaps.repaired += bool(taken and not self._held)
        return taken

    def _hold_locked(self, sample: ReceivedSample) -> None:
        """Hold a sample back that does not follow, and request what is missing before the first one."""
        if not self._held:
            self._held_since, self._held_limit = self._monotonic(), HELD_SAMPLES
        held = {one.seq: one for one in (*self._held, sample)}
        self._held = [held[seq] for seq in sorted(held)]
        self._ask_again_locked()
        if self._is_first_locked():
            del self._held[:-HELD_SAMPLES]  # the origin remembers the others
        elif len(self._held) > self._held_limit:
            self._give_up_locked()

    def _complete_locked(self, samples: Sequence[ReceivedSample]) -> None:
        """Publish an answer and what was held meanwhile.

        A gap in the answer cannot be filled. One behind its end can: that sample was lost while the answer was on its
        way, and is requested.
        """
        was_held, is_gap = bool(self._held), self._is_gap
        batch = meet(samples, self._held, self.feed.id, self.feed.seq)
        had_samples = self.feed.seq > 0
        self._publish_locked(batch.samples)
        self._gaps.unrepaired += batch.gaps
        was_missed = is_gap and had_samples and bool(batch.samples)
        if not batch.gaps and ((was_held and not batch.held) or was_missed):
            self._gaps.repaired += 1
        self._held = batch.held
        self._is_asked, self._is_gap = False, True
        self._first_until = -math.inf
        self._filled.set()
        if batch.held:
            # An answer without anything new does not prolong the wait: a host may repeat it without end.
            if batch.samples:
                self._held_since = self._monotonic()
                self._held_limit = min(len(batch.held), HELD_SAMPLES) + HELD_SAMPLES
            self._ask_again_locked()

    def _give_up_locked(self) -> None:
        """Publish what is held: what is missing before it is never filled."""
        self._gaps.unrepaired += 1
        self._publish_locked([(sample, 0.0) for sample in self._held])
        self._held.clear()
        was_asked, self._is_asked = self._is_asked, False
        self._filled.set()
        if was_asked:  # else the remote would repeat a request that cannot be answered, as long as it is watched
            self._ask_again_locked(is_gap=False)

    def _publish_locked(self, batch: Sequence[Aged]) -> None:
        """Publish samples in rising order."""
        if not batch:
            return
        self.feed.publish_received(batch)
        self._note_names_locked(batch[-1][0].encoded.source_names)

    def _note_names_locked(self, names: tuple[str, ...]) -> None:
        """Let viewers name the sections of the newest sample."""
        # Of an embedding program there may be more than the built-in ones.
        if names is not self._source_names:
            self._source_names = names
            known = dict.fromkeys((*self.feed.section_names, *names))
            self.feed.section_names = tuple(known)[:MAX_SECTIONS]  # a host may invent new ones

    def _begin_locked(self) -> None:
        """Request what the origin remembers, for a viewer that is about to join."""
        self._held_since = self._monotonic()  # what was held before a pause waits for this answer
        self._first_until = self._held_since + FIRST_SECONDS
        self._ask_locked(is_gap=False)

    def _is_first_locked(self) -> bool:
        """Whether nothing has been published yet, and the first answer may still come."""
        return self.feed.seq == 0 and self._monotonic() < self._first_until

    def _ask_again_locked(self, *, is_gap: bool = True) -> None:
        """Request what follows, unless a request is on its way, or less than a second ago there was one."""
        now = self._monotonic()
        if not self._is_asked and now - self._asked_at >= ASK_SECONDS:
            self._asked_at = now
            self._ask_locked(is_gap=is_gap)

    def _ask_locked(self, *, is_gap: bool) -> None:
        if self._is_stopped:
            return
        self._is_asked, self._is_gap = True, is_gap
        self._requested_at = self._monotonic()
        self._remote.watch(Want(self._sections, self.feed.seq, self.feed.id))
