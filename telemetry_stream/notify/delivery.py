"""The delivery to one receiver: its outbox, its worker, and the counts that are shown."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..net.rate_limited_log import RateLimitedLog
from .channel import DeliveryError
from .config import Receiver
from .message import Event
from .outbox import Outbox
from .worker import Worker

log = logging.getLogger(__name__)

# More than the senders' own limits, which are 15 s, 30 s for apprise and up to 60 s for a command.
ABORT_SECONDS = 65.0


@dataclass(slots=True)
class Delivery:
    """Only ``ts-notify`` uses it. ``begun_at`` is that of the attempt in progress, in monotonic seconds.

    ``attempting`` makes or has made the last attempt: after a reload, it may be the worker of the delivery that this
    one replaced.
    """

    receiver: Receiver
    outbox: Outbox
    worker: Worker
    attempting: Worker | None = None
    begun_at: float = 0.0
    is_aborted: bool = False
    sent: int = 0
    failed: int = 0
    last_sent_unix: float | None = None
    last_error_unix: float | None = None
    last_error: str | None = None
    failing_since_unix: float | None = None  # the first failure since it worked
    log: RateLimitedLog = field(default_factory=lambda: RateLimitedLog(log, logging.WARNING))

    @property
    def state(self) -> str:
        if self.failing_since_unix is not None:
            return "failing"
        return "unused" if self.last_sent_unix is None else "ok"

    def take_over(self, other: Delivery) -> None:
        """Continue the state and the attempt of a delivery to the same receiver, whose settings have changed."""
        self.outbox.take_over(other.outbox)
        self.attempting, self.begun_at = other.attempting, other.begun_at
        self.is_aborted = other.is_aborted
        self.sent, self.failed = other.sent, other.failed
        if self.outbox.is_sending and self.is_aborted:
            self.last_error, self.last_error_unix = other.last_error, other.last_error_unix
            self.failing_since_unix = other.failing_since_unix

    def maybe_abort_at(self) -> float | None:
        """Return when the attempt in progress takes too long, None if there is none."""
        return (
            self.begun_at + ABORT_SECONDS
            if self.outbox.is_sending and not self.is_aborted
            else None
        )

    def abort_if_too_long(self, now: float) -> None:
        """Abort the attempt in progress if it takes too long. It has failed: perhaps it cannot be aborted."""
        at = self.maybe_abort_at()
        if at is not None and now >= at:
            self.is_aborted = True
            if self.attempting is not None:
                self.attempting.abort()
            self._note_failure(f"no result in {ABORT_SECONDS:.0f} s", "the attempt is aborted")

    def begin_if_due(self, now: float, is_silenced: Callable[[Event], bool]) -> None:
        """Begin an attempt if one is due."""
        message = self.outbox.maybe_message(now, is_silenced)
        if message is not None:
            self.attempting, self.begun_at, self.is_aborted = self.worker, now, False
            self.worker.send(message)

    def take_end(self, error: DeliveryError | None, now: float) -> None:
        """Note how the attempt has ended, count it and log it."""
        if error is None or error.is_delivered:
            self.outbox.note_sent(now)
            self.sent += 1
            self.last_sent_unix = time.time()
        if error is None:
            if self.last_error is not None:
                log.info("The receiver %s works again", self.receiver.name)
            self.last_error = self.failing_since_unix = None
            return
        if error.is_delivered:
            after = "it is not repeated"
        else:
            seconds = self.outbox.note_failure(
                now, is_final=error.is_final, retry_seconds=error.retry_seconds
            )
            after = (
                "the message is dropped" if error.is_final else f"next attempt in {seconds:.0f} s"
            )
        if not self.is_aborted:  # that failure is noted already
            self._note_failure(str(error), after)

    def _note_failure(self, error: str, after: str) -> None:
        """Count and log a failure. ``after`` is what follows."""
        name, target = self.receiver.name, self.receiver.channel.target
        self.failed += 1
        self.last_error, self.last_error_unix = error, time.time()
        self.failing_since_unix = self.failing_since_unix or self.last_error_unix
        self.log.log("The receiver %s (%s) fails: %s; %s", name, target, error, after)

    def report(self) -> dict[str, Any]:
        """Return its state as the API has it, without secrets."""
        return {
            "name": self.receiver.name,
            "type": self.receiver.type,
            "target": self.receiver.channel.target,
            "state": self.state,
            "queued_alerts": self.outbox.queued,
            "sent_total": self.sent,
            "failed_total": self.failed,
            "dropped_total": self.outbox.dropped,
            "last_sent_unix": self.last_sent_unix,
            "last_error_unix": self.last_error_unix,
            "last_error": self.last_error,
            "failing_since_unix": self.failing_since_unix,
        }
