"""What a front end requests of one watched host: a lease for its full samples, and those that are missing.

A lease (``want``) makes the agent publish full samples. Each gap is filled by a request (``ask``), whose answer arrives
in parts. Requests and parts may be lost, so a request is repeated until its answer is complete.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Protocol

from ..fleet.budget import CostBudget
from ..fleet.remote import Want
from ..stream import HistoryLimits
from ..stream.received import ReceivedError, ReceivedSample
from . import incoming, messages
from .topics import Topics

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
# An agent answers one request per second of each front end, by its own clock.
ASK_SECONDS = 1.2
# Without the next part for so long, the request is repeated: longer each time.
ANSWER_SECONDS = (2.0, 16.0)
# An agent ends an answer after 30 s.
MAX_ANSWER_SECONDS = 45.0
MAX_SAMPLES_PER_SECOND = 20  # of an answer: twice those at the shortest interval
# Of answers, after one of the largest size. Ten minutes of a usual host cost 6 MB.
ANSWER_COST_PER_SECOND = 1024 * 1024

WHOLE = Want()


class Connection(Protocol):
    """What is needed of the session of the watcher."""

    def publish(self, topic: str, payload: bytes) -> bool: ...

    def subscribe(self, topics: list[str]) -> None: ...

    def unsubscribe(self, topics: list[str]) -> None: ...


class Lease:
    """The lease on one host, which is held while somebody watches it. The thread of the watcher uses it.

    All times are monotonic seconds.
    """

    def __init__(
        self,
        topics: Topics,
        front: str,
        history: HistoryLimits,
        monotonic: Callable[[], float],
    ) -> None:
        """``front`` is the id of this front end. Histories are requested and read within the limits of ``history``."""
        self._topics = topics
        self._front = front
        self._history = history
        self._monotonic = monotonic
        self._want: Want | None = None
        self._history_seconds = history.seconds  # to request, while the host is watched
        self._lease_at = math.inf  # when the lease is due
        self._ask_at = math.inf  # when a request is due
        self._asked_at = -math.inf
        self._asked = WHOLE  # the last request
        self._answer_seconds = ANSWER_SECONDS[0]
        self._answer: incoming.Answer | None = None  # to the last request, unless it is complete
        self._budget = CostBudget(ANSWER_COST_PER_SECOND, history.bytes, monotonic)

    @property
    def is_held(self) -> bool:
        """Whether full samples are wanted."""
        return self._want is not None

    def set_want(self, broker: Connection, wanted: Want | None) -> None:
        """Begin to watch the host, change what is wanted of it, or end that."""
        before, self._want = self._want, wanted
        if wanted is None:
            self._ask_at = self._lease_at = math.inf
            self._answer = None
            self._history_seconds = self._history.seconds
            if before is not None:
                broker.unsubscribe(self._own_topics())
                broker.publish(self._topics.of("want"), messages.want(self._front, (), 0))
            return
        if before is None:
            self.begin(broker)
            return
        if before.sections != wanted.sections:
            self._lease_at = -math.inf
        is_asked = self._asked.stream == wanted.stream and self._asked.since <= wanted.since
        if self._answer is None or len(self._answer) or not is_asked:
            self._ask()
        else:  # a request is on its way, and is answered with what the host has then
            self._ask_at = min(self._ask_at, self._asked_at + ANSWER_SECONDS[0])

    def begin(self, broker: Connection) -> None:
        """Begin again on a new connection."""
        if self.is_held:
            broker.subscribe(self._own_topics())
            self.renew()

    def renew(self) -> None:
        """Make lease and request due: the agent may have a new connection, which has no lease."""
        if self.is_held:
            self._lease_at = -math.inf
            self._ask()

    def serve(self, broker: Connection) -> float:
        """Publish what is due. Return when something is due next."""
        wanted = self._want
        if wanted is None:
            return math.inf
        now = self._monotonic()
        if now >= self._lease_at:
            lease = messages.want(self._front, wanted.sections, LEASE_SECONDS)
            if broker.publish(self._topics.of("want"), lease):
                self._lease_at = now + RENEW_SECONDS
        self._ask_at = max(self._ask_at, self._budget.paid_at)
        if now >= self._ask_at:
            request = messages.ask(self._front, wanted.stream, wanted.since, self._history_seconds)
            if broker.publish(self._topics.of("ask"), request):
                self._asked_at, self._asked = now, wanted
                self._answer = self._new_answer()
                self._ask_at = now + self._answer_seconds
                self._answer_seconds = min(2 * self._answer_seconds, ANSWER_SECONDS[1])
        return min(self._lease_at, self._ask_at)

    def maybe_answer(self, part: bytes, run: str) -> list[ReceivedSample] | None:
        """Add a part of an answer of ``run``. Return the samples after the last one, and None before.

        Raises ReceivedError if it is refused. Then no part is accepted until the next request, and that waits until the
        cost is paid. After an answer that is too long, it is for half of the time: the host may remember more than we
        do. A part that answers no request is ignored.
        """
        answer = self._answer
        if answer is None:
            return None
        try:
            samples = self._maybe_add(answer, part, run)
        except incoming.OtherRunError:
            return None  # the request to the present run is still to be answered
        except ReceivedError as error:
            self._answer = None
            if isinstance(error, incoming.TooLongError):
                self._history_seconds /= 2
            raise
        if samples is None:
            until = self._asked_at + MAX_ANSWER_SECONDS
            self._ask_at = min(self._monotonic() + self._answer_seconds, until)
        else:
            self._answer, self._ask_at, self._answer_seconds = None, math.inf, ANSWER_SECONDS[0]
        return samples

    def _maybe_add(
        self, answer: incoming.Answer, part: bytes, run: str
    ) -> list[ReceivedSample] | None:
        if self._budget.owed > self._history.bytes:
            raise ReceivedError("is one of parts without end")
        try:
            return answer.add(part, run)
        finally:
            self._budget.spend(len(part) + answer.cost)

    def note_received(self, samples: Iterable[ReceivedSample], *, is_complete: bool) -> None:
        """Move the wanted number on, so that after a break only what is missing is requested.

        ``is_complete``: the samples are all that the host has since that number.
        """
        for sample in samples:
            want = self._want
            if want is None:
                return
            follows = want.stream == sample.stream and sample.seq == want.since + 1
            if is_complete or follows:
                self._want = want._replace(since=sample.seq, stream=sample.stream)

    def _new_answer(self) -> incoming.Answer:
        most = int(self._history.seconds * MAX_SAMPLES_PER_SECOND) + 1
        return incoming.Answer(self._history.bytes, most)

    def _ask(self) -> None:
        """Make a request due, as soon as the agent accepts another one."""
        self._answer_seconds = ANSWER_SECONDS[0]
        self._ask_at = self._asked_at + ASK_SECONDS

    def _own_topics(self) -> list[str]:
        return [self._topics.of("sample"), self._topics.to(self._front)]
