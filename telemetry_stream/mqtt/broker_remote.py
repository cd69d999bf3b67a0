"""A remote that is reached by a broker: one host, whose agent publishes itself there.

Its vitals arrive all the time, and full samples while it is watched (lease.py).

The thread of the watcher does all of it. ``watch`` and ``unwatch``, which any thread may call, only leave a request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal

from ..fleet.budget import SAMPLES_COST_PER_SECOND, CostBudget
from ..fleet.remote import Dropped, ForeignHostError, Identity, Link, Report, Vitals, Want
from ..stream import HistoryLimits
from ..stream.received import ReceivedError, ReceivedSample, cost
from . import incoming, messages
from .broker_link import BrokerLink
from .lease import Lease
from .topics import Topics

# After the table of hosts has refused the host, because it is watched already.
REFUSED_SECONDS = 60.0

Request = Want | Literal["unwatch", "close"]


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
        """``request`` gives a request to the thread of the watcher. ``front`` and ``history`` are as in Lease."""
        self.key = topics.key
        self.topics = topics
        self.run = ""  # that of the last hello
        self.lease = Lease(topics, front, history, monotonic)
        self._front = front
        self._link = link
        self._request = request
        self._monotonic = monotonic
        self._report: Report
        self._hello = b""
        self._identity: Identity | None = None
        self._may_read = False
        # When the hello is reported again: the host may be readable by then.
        self._read_again_at = math.inf
        self._is_read_again = False  # whether that happens with the next vitals
        self._alerts = b""  # the newest; those of a run may arrive before its hello
        self._gone = ""  # the run that the agent has ended
        self._budget = CostBudget(SAMPLES_COST_PER_SECOND, SAMPLES_COST_PER_SECOND, monotonic)

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

    @property
    def is_sending(self) -> bool:
        """Whether data come from the host now."""
        return self._report.is_sending

    def note_hello(self, payload: bytes, identity: Identity, *, is_retained: bool) -> None:
        """Note the host. A retained ``hello`` that is known shows nothing new: it comes with each subscription."""
        if is_retained and payload == self._hello:
            return
        self._hello, self._identity, self.run = payload, identity, identity.stream
        self._identify()
        if self._gone == self.run:  # its state came first
            if is_retained:
                self._report.ended("gone", self.run)
            else:
                self._gone = ""
        self.lease.renew()

    def note_incompatible(self, reason: str) -> None:
        """Note that the host has another version of the protocol."""
        self._report.failed(reason, is_incompatible=True)

    def _identify(self) -> None:
        if self._identity is None:
            return
        self._may_read = self._report.identified(self._identity)
        self._read_again_at = math.inf if self._may_read else self._monotonic() + REFUSED_SECONDS
        self._report_alerts()  # each report of the hello discards those before it

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
            self._report.alerts(text, lambda sent: incoming.maybe_alerts(sent, self.run))

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
        elif name == "sample" and self.lease.is_held:
            return self._note_sample(payload)
        elif name == f"to/{self._front}":
            self._note_part(payload)
        return True

    def _note_sample(self, payload: bytes) -> bool:
        if self._budget.owed:
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
            self._budget.spend(this)
        if sample.stream == self.run:
            self._pass_on([sample], is_complete=False)
        return sample.stream == self.run

    def _note_part(self, payload: bytes) -> None:
        """Note a part of an answer, and pass the history on if it was the last one."""
        try:
            samples = self.lease.maybe_answer(payload, self.run)
        except ReceivedError as error:
            self._drop(error)
            return
        if samples is None:
            return
        known = [sample for sample in samples if sample.host == self.topics.host]
        if len(known) < len(samples):
            self._report.dropped("foreign host")
        self._pass_on([one for one in known if one.stream == self.run], is_complete=True)

    def _pass_on(self, samples: list[ReceivedSample], *, is_complete: bool) -> None:
        self.lease.note_received(samples, is_complete=is_complete)
        self._report.samples(samples, is_complete=is_complete)

    def _drop(self, error: ReceivedError) -> None:
        why: Dropped = "foreign host" if isinstance(error, ForeignHostError) else "invalid"
        self._report.dropped(why)
