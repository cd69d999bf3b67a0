"""The record of one host: what was received of it last, and its state.

States follow the front end's own monotonic clock. The clock of a host is only compared with ours, for its skew.

| state | when |
|---|---|
| live | data came within three intervals |
| late | the last data are older, or none has come yet |
| lost | 15 s without data (five intervals, if that is longer) while our own link was up, or the broker reported it |
| gone | the host reported its end; final for that run |
| unreachable | our own link is down, or nothing shows that it is up |
| duplicate | another host has the same id, or this one is watched twice; neither of them is lost or gone |
| incompatible | the host answers, but cannot be watched |

No lock: the owner of the record calls its methods one at a time.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import Literal

from .remote import Identity, Link, Vitals
from .sparkline import Sparkline

State = Literal["live", "late", "lost", "gone", "unreachable", "duplicate", "incompatible"]

LATE_INTERVALS = 3
LOST_INTERVALS = 5
LOST_SECONDS = 15.0
# A will counts after this time without data. A broker that was frozen, or is stopping, also sends the wills of agents
# that are about to connect again.
WILL_SECONDS = 8.0

# Two hosts with one id on the same topic: their runs alternate. A restart changes the run once.
ALTERNATIONS = 3
ALTERNATION_SECONDS = 10.0
DUPLICATE_SECONDS = 60.0  # without an alternation, until the host counts as single again

SKEWS = 9  # measurements, of which the median counts
SKEW_EVERY_SECONDS = 10.0
SHOWN_SKEW_SECONDS = 2.0  # smaller differences are those of the network


class Record:
    """What was received of one host last. All times are in seconds; ``now`` and ``_at`` are of the monotonic clock."""

    def __init__(self, now: float) -> None:
        self.identity: Identity | None = None
        self.vitals: Vitals | None = None
        self.sparkline = Sparkline()
        self.heard_at: float | None = None  # the last data
        self.skew_seconds: float | None = None  # as it is shown
        self.known_skew_seconds: float | None = None
        self.reason: str | None = None  # why there are no data: one sentence
        # Why the host is a duplicate, as found by the table of hosts.
        self.conflict: str | None = None
        self.may_read = True  # whether its data are read
        self._incompatible = False
        # As reported, with the run that it is true for.
        self._ended: tuple[State, str] | None = None
        self._ended_at = -math.inf
        self._began_at = now
        self._skews: deque[float] = deque(maxlen=SKEWS)
        self._skew_at = -math.inf
        self._run = ""  # the present one, of the last hello or the last vitals
        self._runs = "", ""  # of the vitals: the present one and the one before
        self._former_name = ""  # in the hello of another run
        self._alternated: deque[float] = deque(maxlen=ALTERNATIONS)
        self._duplicate_until = -math.inf

    def note_identity(self, identity: Identity) -> None:
        """Note a ``hello``. It shows that the run goes on, whatever was reported before."""
        if self.identity is not None and self.identity.stream != identity.stream:
            self._former_name = self.identity.host.name
        self.identity, self._run = identity, identity.stream
        self._ended, self._incompatible, self.reason = None, False, None

    def note_vitals(self, vitals: Vitals, now: float, realtime: float) -> bool:
        """Note the vitals of a tick. Return False if they are of a run that has ended, or older than the last ones."""
        before = self.vitals
        if self._ended == ("gone", vitals.stream):
            return False
        self._ended = None  # the broker lost the host, but it sends again; or this is another run
        if before is not None and before.stream == vitals.stream:
            if vitals.seq <= before.seq:
                return False
            if vitals.seq > before.seq + 1:
                self.sparkline.skip(vitals.seq - before.seq - 1)
        else:
            if before is not None and self.heard_at is not None:
                self.sparkline.skip(int((now - self.heard_at) / self.interval_seconds))
            self._note_run(vitals.stream, now)
        self.sparkline.add(vitals.numbers)
        self.vitals, self.heard_at, self._run = vitals, now, vitals.stream
        self.reason, self._incompatible = None, False
        if now >= self._skew_at or len(self._skews) < 3:
            self._skew_at = now + SKEW_EVERY_SECONDS
            self._skews.append(realtime - vitals.time_unix)
            skew = statistics.median(self._skews)
            self.known_skew_seconds = round(skew, 3)
            self.skew_seconds = round(skew, 1) if abs(skew) >= SHOWN_SKEW_SECONDS else None
        return True

    def _note_run(self, stream: str, now: float) -> None:
        present, previous = self._runs
        if stream == previous:
            times = self._alternated
            times.append(now)
            if len(times) == ALTERNATIONS and now - times[0] <= ALTERNATION_SECONDS:
                self._duplicate_until = now + DUPLICATE_SECONDS
        self._runs = stream, present
        self._skews.clear()

    def note_end(self, state: Literal["gone", "lost"], stream: str, now: float) -> None:
        """Note that the run has ended. A report about another run than the present one has no effect."""
        if stream == self._run:
            self._ended, self._ended_at = (state, stream), now

    def note_failure(self, reason: str, *, is_incompatible: bool) -> None:
        """Note why there are no data."""
        self.reason, self._incompatible = reason, is_incompatible

    @property
    def alternation(self) -> str:
        """Why the host is a duplicate, if that is because its runs alternate."""
        name = self.identity.host.name if self.identity else ""
        names = sorted(filter(None, {name, self._former_name}))
        hosts = " and ".join(names) if len(names) == 2 else "Two hosts"
        return f"{hosts} have the same id; give one of them another with --host-id"

    @property
    def interval_seconds(self) -> float:
        """The time between two samples of this host."""
        return self.identity.interval_seconds if self.identity else 1.0

    def age_seconds(self, now: float) -> float:
        """How long there have been no data."""
        return now - (self._began_at if self.heard_at is None else self.heard_at)

    @property
    def silent_from(self) -> float:
        """When the host became late. What our own link did before that does not matter."""
        begin = self._began_at if self.heard_at is None else self.heard_at
        return begin + LATE_INTERVALS * self.interval_seconds

    def is_over(self, now: float, link: Link) -> bool:
        """Whether the host is lost or gone. ``link`` is as for ``state``.

        Of a host that must not be read there are no data, which shows nothing.
        """
        return self.may_read and self._state_alone(now, link) in ("lost", "gone")

    def is_live(self, now: float) -> bool:
        """Whether data come, without regard to other hosts and to our own link."""
        return self._state_alone(now, "up") == "live"

    def state(self, now: float, link: Link) -> State:
        """Return the state. ``link`` is that of our own link since ``silent_from``."""
        if now < self._duplicate_until:
            return "duplicate"
        if self.conflict is not None and not self.is_over(now, link):
            return "duplicate"
        return self._state_alone(now, link)

    def _state_alone(self, now: float, link: Link) -> State:
        """Return the state without regard to other hosts."""
        if self._incompatible:
            return "incompatible"
        if self._ended is not None and self._ended[0] == "gone":
            return "gone"
        age = self.age_seconds(now)
        interval = self.interval_seconds
        if self.heard_at is not None and age <= LATE_INTERVALS * interval:
            return "live"
        if link == "down":
            return "unreachable"
        if self._ended is not None and now - self._ended_at >= WILL_SECONDS:
            return "lost"
        if age < max(LOST_SECONDS, LOST_INTERVALS * interval):
            return "late"
        return "lost" if link == "up" else "unreachable"
