"""A remote that is reached by a broker: one host, whose agent publishes itself there.

Its vitals arrive all the time. While it is watched, a lease (``want``) makes the agent publish full samples, and each
gap is filled by a request (``ask``), whose answer arrives in parts. Requests and parts may be lost, so a request is
repeated until its answer is complete.

The thread of the watcher does all of it. ``watch`` and ``unwatch``, which any thread may call, only leave a request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal, Protocol

from ..fleet.remote import Dropped, ForeignHostError, Identity, Link, Report, Vitals, Want
from ..stream import HistoryLimits
from ..stream.received import ReceivedError, ReceivedSample, cost
from . import incoming, messages
from .broker_link import BrokerLink
from .budget import CostBudget
from .topics import Topics

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
# An agent answers one request per second of each front end, by its own clock.
ASK_SECONDS = 1.2
# Without the next part for so long, the request is repeated: longer each time.
ANSWER_SECONDS = (2.0, 16.0)
# An agent ends an answer after 30 s.
MAX_ANSWER_SECONDS = 45.0
# After the table of hosts has refused the host, because it is there already.
REFUSED_SECONDS = 60.0
MAX_SAMPLES_PER_SECOND = 20  # of an answer: twice those at the shortest interval
# Of samples, without compression. A usual host needs 10 KB.
MAX_COST_PER_SECOND = 4 * 1024 * 1024
# Of answers, after one of the largest size. Ten minutes of a usual host cost 6 MB.
ANSWER_COST_PER_SECOND = 1024 * 1024

Request = Want | Literal["unwatch", "close"]
WHOLE = Want()


class Connection(Protocol):
    """What a remote needs of the session of the watcher."""

    def publish(self, topic: str, payload: bytes) -> bool: ...

    def subscribe(self, topics: list[str]) -> None: ...

    def unsubscribe(self, topics: list[str]) -> None: ...


class BrokerRemote:
    """One host. As a Remote it may be used by any thread; everything else is for the thread of the watcher."""

    is_discovered = True

    def __init__(
        self,
        topics: Topics,
        front: str,
        link: BrokerLink,
        request: Callable[[BrokerRemote, Request], None],
        history: HistoryLimits,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``front`` is the id of this front end. ``request`` gives a request to the thread of the watcher.

        Histories are requested and read within the limits of ``history``.
        """
        self.key = topics.key
        self.topics = topics
        self.run = ""  # that of the last hello
        self._front = front
        self._link = link
        self._request = request
        self._history = history
        self._monotonic = monotonic
        self._report: Report
        self._hello = b""
        self._identity: Identity | None = None
        self._may_read = False
        self._read_again_at = math.inf  # when the table is asked again whether the host may be read
        self._is_read_again = False  # whether it is asked with the next vitals
        self._alerts = b""  # the newest; those of a run may arrive before its hello
        self._gone = ""  # the run that the agent has ended
        self._want: Want | None = None
        self._lease_at = math.inf  # when the lease is due
        self._ask_at = math.inf  # when a request is due
        self._asked_at = -math.inf
        self._asked = WHOLE  # the last request
        self._answer_seconds = ANSWER_SECONDS[0]
        self._answer: incoming.Answer | None = None  # to the last request, unless it is complete
        self._for_samples = CostBudget(MAX_COST_PER_SECOND, MAX_COST_PER_SECOND, monotonic)
        self._for_answers = CostBudget(ANSWER_COST_PER_SECOND, history.bytes, monotonic)

    # As a Remote.

    def start(self, report: Report) -> None:
        self._report = report

    def watch(self, want: Want) -> None:
        self._request(self, want)

    def unwatch(self) -> None:
        self._request(self, "unwatch")

    def identify_again(self) -> None:
        self._is_read_again = True

    def link(self, since: float) -> Link:
        return self._link.state(since)

    def close(self) -> None:
        self._request(self, "close")

    def join(self, deadline: float) -> None:
        """Do nothing: it has no thread."""

    # What arrives.

    def note_hello(self, payload: bytes, identity: Identity, *, is_retained: bool) -> None:
        """Note the host. A retained ``hello`` that is known shows nothing new: it comes with each subscription."""
        if is_retained and payload == self._hello:
            return
        self._hello, self._identity, self.run = payload, identity, identity.stream
        self._identify()
        self._report_alerts()
        if self._gone == self.run:  # its state came first
            if is_retained:
                self._report.ended("gone", self.run)
            else:
                self._gone = ""
        self.renew()

    def note_incompatible(self, reason: str) -> None:
        """Note that the host has another version of the protocol."""
        self._report.failed(reason, is_incompatible=True)

    def _identify(self) -> None:
        if self._identity is None:
            return
        self._may_read = self._report.identified(self._identity)
        self._read_again_at = math.inf if self._may_read else self._monotonic() + REFUSED_SECONDS

    def note_state(self, state: messages.HostState) -> None:
        """Note what the agent, or its will, reports of a run."""
        self._gone = state.stream if state.state == "gone" else ""
        if state.stream != self.run or state.state == "live":
            return
        if state.state == "gone" or self._link.is_trusted:
            self._report.ended(state.state, state.stream)

    def note_alerts(self, payload: bytes) -> None:
        """Pass the alerts on. They are parsed later, by the thread of the table."""
        if len(payload) > incoming.MAX_ALERTS_BYTES:
            self._report.dropped("invalid")
            return
        self._alerts = payload
        self._report_alerts()

    def _report_alerts(self) -> None:
        if self._alerts and self._may_read:
            text = self._alerts.decode(errors="replace")
            self._report.alerts(text, lambda sent: incoming.alerts(sent, self.run))

    def note_vitals(self, payload: bytes) -> None:
        """Pass vitals on. They are parsed later, by the thread of the table."""
        if self._is_read_again or self._monotonic() >= self._read_again_at:
            self._is_read_again = False  # first: another thread may set it at any time
            self._identify()
        if not self._may_read:
            return
        if len(payload) > incoming.MAX_VITALS_BYTES:
            self._report.dropped("invalid")
            return
        self._report.vitals(payload.decode(errors="replace"), self._parse)

    def _parse(self, text: str) -> Vitals:
        return incoming.vitals(text, self.topics.host)

    def note_live(self, name: str, payload: bytes) -> bool:
        """Note a message of the topic ``name``. Return False if it is of another run than the last ``hello``."""
        if name == "vitals":
            self.note_vitals(payload)
        elif name == "sample" and self.is_watched:
            return self._note_sample(payload)
        elif name == f"to/{self._front}":
            self._note_part(payload)
        return True

    def _note_sample(self, payload: bytes) -> bool:
        if self._for_samples.owed:
            self._report.dropped("invalid")
            return True
        this = incoming.MAX_SAMPLE_BYTES  # unless it is known
        try:
            text = incoming.sample_text(payload)
            this = cost(text)
            sample = incoming.sample(text, self.topics.host)
        except ReceivedError as error:
            self._drop(error)
            return True
        finally:
            self._for_samples.spend(this)
        if sample.stream == self.run:
            self._pass_on([sample], is_complete=False)
        return sample.stream == self.run

    def _note_part(self, payload: bytes) -> None:
        """Note a part of an answer, and pass the history on if it was the last one.

        Once an answer is refused, none is accepted until the next request, and that waits until the cost is paid.
        """
        answer = self._answer
        if answer is None:
            return
        if self._for_answers.owed > self._history.bytes:  # by parts without end
            self._report.dropped("invalid")
            self._answer = None
            return
        try:
            samples = answer.add(payload, self.run)
        except incoming.OtherRunError:
            return  # the request to the present run is still to be answered
        except ReceivedError as error:
            self._drop(error)
            self._answer = None
            return
        finally:
            self._for_answers.spend(len(payload) + answer.cost)
        if samples is None:
            until = self._asked_at + MAX_ANSWER_SECONDS
            self._ask_at = min(self._monotonic() + self._answer_seconds, until)
            return
        known = [sample for sample in samples if sample.host == self.topics.host]
        if len(known) < len(samples):
            self._report.dropped("foreign host")
        self._answer, self._ask_at, self._answer_seconds = None, math.inf, ANSWER_SECONDS[0]
        self._pass_on([one for one in known if one.stream == self.run], is_complete=True)

    def _pass_on(self, samples: list[ReceivedSample], *, is_complete: bool) -> None:
        """Report samples, and move the wanted number on, so that after a break only what is missing is requested."""
        for sample in samples:
            want = self._want
            if want is None:
                return
            follows = want.stream == sample.stream and sample.seq == want.since + 1
            if is_complete or follows:
                self._want = want._replace(since=sample.seq, stream=sample.stream)
        self._report.samples(samples, is_complete=is_complete)

    def _drop(self, error: ReceivedError) -> None:
        why: Dropped = "foreign host" if isinstance(error, ForeignHostError) else "invalid"
        self._report.dropped(why)

    # What is requested.

    @property
    def is_watched(self) -> bool:
        """Whether full samples are wanted."""
        return self._want is not None

    def set_want(self, broker: Connection, wanted: Want | None) -> None:
        """Begin to watch the host, change what is wanted of it, or end that."""
        before, self._want = self._want, wanted
        if wanted is None:
            self._ask_at = self._lease_at = math.inf
            self._answer = None
            if before is not None:
                broker.unsubscribe(self._own_topics())
                broker.publish(self.topics.of("want"), messages.want(self._front, (), 0))
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
        if self.is_watched:
            broker.subscribe(self._own_topics())
            self.renew()

    def renew(self) -> None:
        """Make lease and request due: the agent may have a new connection, on which it knows no lease."""
        if self.is_watched:
            self._lease_at = -math.inf
            self._ask()

    def serve(self, broker: Connection) -> float:
        """Publish what is due. Return when something is due next (monotonic seconds)."""
        wanted = self._want
        if wanted is None:
            return math.inf
        now = self._monotonic()
        if now >= self._lease_at:
            lease = messages.want(self._front, wanted.sections, LEASE_SECONDS)
            if broker.publish(self.topics.of("want"), lease):
                self._lease_at = now + RENEW_SECONDS
        self._ask_at = max(self._ask_at, self._for_answers.paid_at)
        if now >= self._ask_at:
            request = messages.ask(self._front, wanted.stream, wanted.since, self._history.seconds)
            if broker.publish(self.topics.of("ask"), request):
                self._asked_at, self._asked = now, wanted
                self._answer = self._new_answer()
                self._ask_at = now + self._answer_seconds
                self._answer_seconds = min(2 * self._answer_seconds, ANSWER_SECONDS[1])
        return min(self._lease_at, self._ask_at)

    def _new_answer(self) -> incoming.Answer:
        most = int(self._history.seconds * MAX_SAMPLES_PER_SECOND) + 1
        return incoming.Answer(self._history.bytes, most)

    def _ask(self) -> None:
        """Make a request due, as soon as the agent accepts another one."""
        self._answer_seconds = ANSWER_SECONDS[0]
        self._ask_at = self._asked_at + ASK_SECONDS

    def _own_topics(self) -> list[str]:
        return [self.topics.of("sample"), self.topics.to(self._front)]
