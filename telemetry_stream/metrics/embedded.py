"""A source of an embedding program, which is foreign code: it may raise anything, hang, or return anything.

Strategy. Each such source has a thread of its own, so that a slow one delays neither the sample nor another source. At
each tick the collector requests all of them, collects the built-in sources meanwhile, and then waits a moment for the
results. A source that needs longer is not waited for again until it is fast again: its newest section is stale. One
call at a time is pending for each source. ``collect`` and ``close`` of a source run on its thread only.
"""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType

from .. import threads
from .plain import Plain, PlainError, plain
from .sample import MAX_NAME_CHARACTERS, SourceState, State, is_source_name
from .source import Clock, Closeable, Now, Source, Stale, is_on_demand

log = logging.getLogger(__name__)

# A source that returns within this time is in the sample of the same tick. It is the longest delay that a source can
# cause, and only when it becomes slow.
WAIT_SECONDS = 0.05
SLOW = f"collect takes longer than {WAIT_SECONDS} s"
# A reason is a part of every sample.
MAX_REASON_CHARACTERS = 500
# The end of a traceback that is logged; a recursion has a thousand.
MAX_FRAMES = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one call of ``collect``, requested at ``tick`` and finished at ``at`` (monotonic)."""

    tick: int
    at: float
    took_seconds: float
    section: Plain = None
    state: State = "ok"
    reason: str | None = None
    age_seconds: float | None = None
    error: BaseException | None = None  # what ``collect`` raised


class EmbeddedSource:
    """Runs ``source`` on a thread named after it, from the first request until ``close``.

    The collecting thread calls the methods. The condition's lock guards everything that the source's thread shares with
    it. Raises TypeError or ValueError if ``source`` is not a source.
    """

    def __init__(self, source: Source, clock: Clock, wait_seconds: float = WAIT_SECONDS) -> None:
        self.name = checked_name(source)
        self.on_demand = is_on_demand(source)
        self._source = source
        self._close = source.close if isinstance(source, Closeable) else None
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._jobs: deque[Now | None] = deque()  # a tick to collect; None: close
        self._requested: Now | None = None  # the pending call
        self._requested_at = 0.0  # on the system's clock: a replaced clock may stand still
        self._was_slow = False  # the last call that returned
        self._outcome: Outcome | None = None
        self._is_open = True
        self._thread: threading.Thread | None = None

    def request(self, now: Now) -> None:
        """Have ``collect`` called for this tick, unless a call is pending."""
        with self._changed:
            if self._requested is not None:
                return
            self._requested, self._requested_at = now, time.monotonic()
            self._is_open = True
            try:
                self._add_locked(now)
            except threads.ThreadUnavailableError as error:
                self._requested = None
                at = self._clock.monotonic()
                self._outcome = Outcome(now.tick, at, 0.0, None, "failed", str(error))

    def result(self, now: Now) -> tuple[Plain, SourceState, BaseException | None]:
        """Return the section (or None), its state, and what ``collect`` raised. Waits at most ``wait_seconds``."""
        with self._changed:
            if not self._was_slow:
                left = self._requested_at + self._wait_seconds - time.monotonic()
                self._changed.wait_for(lambda: self._requested is None, max(0.0, left))
            outcome, pending = self._outcome, self._requested
        if outcome is not None and (outcome.tick == now.tick or outcome.state == "failed"):
            state = SourceState(
                outcome.state, outcome.took_seconds, outcome.reason, outcome.age_seconds
            )
            return outcome.section, state, outcome.error
        took = 0.0 if pending is None else max(0.0, now.monotonic - pending.monotonic)
        if outcome is None or outcome.section is None:
            return None, SourceState("stale", _rounded(took), SLOW), None
        age = max(0.0, now.monotonic - outcome.at) + (outcome.age_seconds or 0.0)
        return outcome.section, SourceState("stale", _rounded(took), SLOW, round(age, 3)), None

    def close(self) -> None:
        """Have ``close`` of the source called after a pending call, and end the thread. Does not wait."""
        with self._changed:
            if not self._is_open or (self._close is None and self._thread is None):
                return
            self._is_open = False
            try:
                self._add_locked(None)
            except threads.ThreadUnavailableError as error:
                log.error("Source %s cannot be closed: %s", self.name, error)

    def join(self, deadline: float) -> None:
        """Wait until ``deadline`` (monotonic) for the thread to end after ``close``."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.warning("Source %s does not return; its thread ends when it does", self.name)

    def _add_locked(self, job: Now | None) -> None:
        if self._thread is None:
            # As much of the name as fits: the kernel shows 15 bytes.
            name = f"ts-src-{self.name}".encode()[: threads.NAME_BYTES].decode(errors="ignore")
            self._thread = threads.start(name, self._run)
        self._jobs.append(job)
        self._changed.notify_all()

    def _run(self) -> None:
        """Do the jobs in order, until the source is closed. Runs on the source's thread."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._jobs))
                now = self._jobs.popleft()
            if now is not None:
                outcome = self._collected(now)
                with self._changed:
                    self._outcome, self._requested = outcome, None
                    passed = time.monotonic() - self._requested_at
                    self._was_slow = passed >= self._wait_seconds
                    self._changed.notify_all()
                continue
            self._closed()
            with self._changed:
                if not self._jobs:
                    self._thread = None
                    return

    def _collected(self, now: Now) -> Outcome:
        """Call ``collect``, and return what became of it, whatever it raises or returns."""
        began = self._clock.monotonic()
        section: Plain = None
        state: State = "ok"
        age = reason = raised = None
        try:
            section, state, age = _read(self._source.collect(now), self.name)
        except PlainError as error:
            state, reason = "failed", str(error)
        except BaseException as error:  # noqa: BLE001 (also SystemExit: only this section is lost)
            state, reason, raised = "failed", _reason(error), _shortened(error)
        ended = self._clock.monotonic()
        return Outcome(
            now.tick, ended, _rounded(ended - began), section, state, reason, age, raised
        )

    def _closed(self) -> None:
        if self._close is not None:
            try:
                self._close()
            except BaseException:
                log.exception("Source %s: close failed", self.name)


def checked_name(source: object) -> str:
    """Return the name of a source. Raises TypeError or ValueError, with what is allowed, if it is not a source."""
    if isinstance(source, type):
        raise TypeError(f"the source {source.__name__} is a class; make an object of it")
    name = getattr(source, "name", None)
    if not isinstance(name, str):
        raise TypeError(
            f"a source of type {type(source).__name__} has the name {name!r}; it must be a text"
        )
    if not is_source_name(name):
        raise ValueError(
            f"a source of type {type(source).__name__} has the name {name!r};"
            f" it must be a printable text without commas, of at most {MAX_NAME_CHARACTERS} characters"
        )
    collect = getattr(source, "collect", None)
    if not callable(collect):
        raise TypeError(f"the source {name!r} has no method collect(now)")
    if inspect.iscoroutinefunction(collect):
        raise TypeError(f"collect of the source {name!r} is async; it must be a plain function")
    return name


def _read(returned: object, name: str) -> tuple[Plain, State, float | None]:
    """Return the section, its state and its age. Raises PlainError for what has no JSON form."""
    if isinstance(returned, Stale):
        age = plain(returned.age_seconds, f"the age of {name}")
        if age is not None and not isinstance(age, int | float):
            raise PlainError(
                f"the age of {name} is {age!r}; it must be a number of seconds or None"
            )
        return plain(returned.section, name), "stale", age
    section = plain(returned, name)
    if section is None:
        return None, "absent", None
    if not isinstance(section, dict | list):
        raise PlainError(
            f"{name} is of type {type(returned).__name__}; return a dict, a dataclass, a list or None"
        )
    return section, "ok", None


def _reason(error: BaseException) -> str:
    """Return the type and the text of an error, whose ``__str__`` may raise itself."""
    kind = type(error).__name__
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001
        text = "its text is not available"
    return (f"{kind}: {text}" if text else kind)[:MAX_REASON_CHARACTERS]


def _shortened(error: BaseException) -> BaseException:
    """Return ``error`` with only the end of its traceback."""
    frames: deque[TracebackType] = deque(maxlen=MAX_FRAMES)
    frame = error.__traceback__
    while frame is not None:
        frames.append(frame)
        frame = frame.tb_next
    return error.with_traceback(frames[0] if frames else None)


def _rounded(seconds: float) -> float:
    return int(seconds * 1e6) / 1e6
