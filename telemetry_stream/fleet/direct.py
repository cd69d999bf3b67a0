"""A remote that is reached directly: this program is an ordinary viewer of the host's ``/ws``, with its token.

Each host has a line for its vitals, and a second one while it is watched. A gap is filled by opening the second line
again with ``since`` and ``stream``: the answer begins with all that was missed, so history and live samples meet as
they do for every viewer.
"""

from __future__ import annotations

import threading

from ..stream import HistoryLimits
from ..stream.received import ReceivedError, cut, cut_history, decode
from ..threads import ThreadUnavailableError
from ..websocket.outbound import TooMuchError
from .alerts import Alerts, alerts_of
from .budget import SAMPLES_COST_PER_SECOND, CostBudget
from .line import BadRequestError, Line, reason_of
from .link import DirectLink
from .mirror import ON_DEMAND
from .nameable import NameableSections
from .remote import (
    MAX_VITALS_CHARACTERS,
    ForeignHostError,
    Identity,
    Link,
    Report,
    Want,
    maybe_vitals,
)
from .watchlist import Target

MAX_VITALS_BYTES = 64 * 1024


class _VitalsLine(Line):
    """The permanent connection."""

    def __init__(self, name: str, target: Target, link: DirectLink, report: Report) -> None:
        super().__init__(name, target, link, max_message_bytes=MAX_VITALS_BYTES)
        self._report = report

    def query(self) -> dict[str, str]:
        return {"sections": "vitals"}

    def on_open(self, identity: Identity) -> bool:
        return self._report.identified(identity)

    def on_message(self, text: str, identity: Identity) -> None:
        # They are parsed later, and their rate is limited.
        host = identity.host.id
        if text.startswith('{"type":"alerts"'):
            self._report.alerts(text, lambda sent: _alerts(sent, host))
        elif len(text) <= MAX_VITALS_CHARACTERS:  # else it is of an embedding program
            self._report.vitals(text, lambda sent: maybe_vitals(sent, host))

    def on_end(self, close_code: int | None, identity: Identity) -> None:
        if close_code == 1001:  # the program has stopped
            self._report.ended("gone", identity.stream)
        else:
            self._report.failed(f"The host closed the connection ({close_code})")

    def on_failure(self, error: Exception, *, is_incompatible: bool) -> None:
        self._report.failed(reason_of(error), is_incompatible=is_incompatible)


class _FullLine(Line):
    """The connection while the host is watched. What makes it fail, the other line reports.

    ``_state`` guards ``_want``, which moves on with each sample, so that a new connection goes on after the last one.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        link: DirectLink,
        report: Report,
        want: Want,
        *,
        budget: CostBudget,
        history: HistoryLimits,
        nameable: NameableSections,
    ) -> None:
        super().__init__(
            name,
            target,
            link,
            max_message_bytes=history.bytes,
            budget=budget,
        )
        self._report = report
        self._history_seconds = history.seconds
        self._state = threading.Lock()
        self._want = want
        # The sections that the host sends to a viewer that names none.
        self._default_names: tuple[str, ...] = ()
        self._named = frozenset[str]()  # the on-demand sections in the last query
        self._nameable = nameable

    def watch(self, want: Want) -> None:
        """Open the connection again for another request."""
        with self._state:
            self._want = want
        self.restart()

    def on_failure(self, error: Exception, *, is_incompatible: bool) -> None:  # noqa: ARG002
        """Request less, if that is why the host cannot be read. The other line reports the failure."""
        if isinstance(error, TooMuchError):
            self._history_seconds /= 2
        elif isinstance(error, BadRequestError):
            self._nameable.note_refusal(self._named)
            self._default_names = ()  # of another run, they may be the reason

    def is_permanent(self, error: Exception) -> bool:
        # Without the sections, the query may be accepted.
        return super().is_permanent(error) and not (
            isinstance(error, BadRequestError) and self._named
        )

    def query(self) -> dict[str, str]:
        with self._state:
            want = self._want
        query = {"since": str(want.since), "history": f"{self._history_seconds:g}"}
        if want.stream is not None:
            query["stream"] = want.stream
        self._named = self._nameable.choose(want.sections) if self._default_names else frozenset()
        if self._named:
            query["sections"] = ",".join(sorted({*self._default_names, *self._named}))
        return query

    def on_open(self, identity: Identity) -> bool:
        self._nameable.note_answer(self._named, identity.stream)
        return True

    def on_message(self, text: str, identity: Identity) -> None:
        is_history = text.startswith('{"type":"history"')
        try:
            if is_history:
                samples = cut_history(text, ON_DEMAND)
            elif text.startswith('{"type":"sample"'):
                samples = [cut(text, ON_DEMAND)[0]]
            else:
                return  # of an embedding program
        except ReceivedError:
            self._report.dropped("invalid")
            return
        known = [sample for sample in samples if sample.host == identity.host.id]
        if len(known) < len(samples):
            self._report.dropped("foreign host")
        if known:
            newest = known[-1]
            names = tuple(name for name in newest.encoded.source_names if name not in ON_DEMAND)
            self._default_names = names
            with self._state:
                self._want = self._want._replace(since=newest.seq, stream=newest.stream)
                chosen = self._nameable.choose(self._want.sections)
            if names and chosen != self._named:  # now the other sections can be named too
                self.restart()
        if known or is_history:
            self._report.samples(known, is_complete=is_history)

    def on_end(self, close_code: int | None, identity: Identity) -> None:
        """Do nothing: the other line reports it."""


class DirectRemote:
    """One host that was given as a URL. ``_lock`` guards the second line and the target."""

    is_discovered = False

    def __init__(
        self,
        number: int,
        target: Target,
        link: DirectLink,
        history: HistoryLimits,
    ) -> None:
        """``number`` is part of the names of its threads. Histories are requested and read within the limits."""
        self.key = target.shown
        self._number = number % 10_000
        self._target = target
        self._link = link
        self._history = history
        # Of full samples: a history of the largest size, and then at a rate. A new line of a host that makes its
        # viewers connect again has what the one before has left.
        self._budget = CostBudget(SAMPLES_COST_PER_SECOND, history.bytes)
        self._nameable = NameableSections()
        self._lock = threading.Lock()
        self._report: Report
        self._vitals: _VitalsLine | None = None
        self._full: _FullLine | None = None
        self._is_closed = False

    def accepts(self, target: Target) -> bool:
        """Whether the target is the same but for its token."""
        return target._replace(token=None) == self._target._replace(token=None)

    def use(self, target: Target) -> None:
        """Use the token of this target from now on: connect again if it is another one."""
        with self._lock:
            if target == self._target:
                return
            self._target = target
            lines = [line for line in (self._vitals, self._full) if line is not None]
        for line in lines:
            line.use(target)

    def start(self, report: Report) -> None:
        self._report = report
        self._vitals = _VitalsLine(f"ts-host{self._number}", self._target, self._link, report)
        self._vitals.start()

    def watch(self, want: Want) -> None:
        with self._lock:
            if self._is_closed:
                return
            if self._full is not None:
                self._full.watch(want)
                return
            full = _FullLine(
                f"ts-full{self._number}",
                self._target,
                self._link,
                self._report,
                want,
                budget=self._budget,
                history=self._history,
                nameable=self._nameable,
            )
            # Else its first answer would look like the end of a break of our own link.
            if self._vitals is not None:
                full.expected_seconds = self._vitals.expected_seconds
            try:
                full.start()
            except ThreadUnavailableError:  # the mirror repeats the request
                self._report.failed("This front end is out of threads")
            else:
                self._full = full

    def unwatch(self) -> None:
        with self._lock:
            full, self._full = self._full, None
        if full is not None:
            full.close()

    def identify_again(self) -> None:
        if self._vitals is not None:
            self._vitals.restart()

    def link(self, since: float) -> Link:
        return "unknown" if self._vitals is None else self._vitals.link(since)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        self.unwatch()
        if self._vitals is not None:
            self._vitals.close()

    def join(self, deadline: float) -> None:
        if self._vitals is not None:
            self._vitals.join(deadline)


def _alerts(text: str, host: str) -> Alerts:
    """Check a message ``alerts``. Raises ReceivedError, and ForeignHostError if it is not of ``host``."""
    message = decode(text)
    if not isinstance(message, dict):
        raise ReceivedError("is not an object")
    if message.get("host") != host:
        raise ForeignHostError("is of another host")
    return alerts_of(message)
