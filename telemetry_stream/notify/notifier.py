"""The notifier: takes the alerts of all hosts, and decides when which receiver gets a message.

Strategy. The thread ``ts-notify`` decides and waits for nothing but its next deadline. Each receiver has a worker that
makes the attempts, so one that hangs delays no other. An attempt that takes too long is aborted from here. Producers of
alerts only leave a note for it; those of the same host merge until they are taken, and their size is bounded.

Delivery is at least once: what was delivered is saved after the receiver has accepted it. If the program is killed
between the two, in some milliseconds, or seconds with thousands of alerts, the message is sent again. Without a state
directory, nothing is known of earlier runs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from .. import threads
from .channel import DeliveryError
from .config import NotifyError, Receiver
from .delivery import Delivery
from .entry import Note
from .message import Alert
from .outbox import Outbox
from .silences import Silences
from .state import State
from .worker import Worker

log = logging.getLogger(__name__)

# Notes of producers that are not taken yet, one for each scope. The thread takes them in milliseconds.
MAX_NOTED_BYTES = 16 * 1024 * 1024
NOTE_BYTES = 400  # of a note beside its alerts, estimated
ALERT_BYTES = 600  # of an alert beside its text, estimated

CLOSE_SECONDS = 0.3


class Notifier:
    """Any thread may call ``note``, ``reload`` and ``report``, and use ``silences``. Its owner calls the others.

    ``_lock`` guards ``_notes``, ``_noted_bytes``, ``dropped_notes``, ``_ended`` and ``_next_receivers``.
    """

    def __init__(
        self,
        load: Callable[[], tuple[Receiver, ...]],
        *,
        state_dir: str,
        on_crash: Callable[[BaseException], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load the receivers with ``load()``. Raises NotifyError. ``state_dir``: "" if nothing is to be saved."""
        self._load = load
        self._on_crash = on_crash
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._notes: dict[str, tuple[int, Note]] = {}
        self._noted_bytes = 0
        self.dropped_notes = 0
        self._ended: list[tuple[Worker, DeliveryError | None]] = []
        self._next_receivers: tuple[Receiver, ...] | None = None
        self._stopping = False
        self._closed = False
        self.silences = Silences(self._wake.set)
        self._state = None
        if state_dir:
            self._state = State(state_dir, self.silences, on_crash=on_crash, clock=clock)
        self._thread: threading.Thread | None = None
        self._numbers = 0
        self._retired: list[Worker] = []
        self._deliveries = [self._delivery(receiver) for receiver in load()]
        if self._state is not None:
            self._state.restore(self._deliveries)
        self._reports: tuple[dict[str, Any], ...] = tuple(
            delivery.report() for delivery in self._deliveries
        )

    def _delivery(self, receiver: Receiver) -> Delivery:
        outbox = Outbox(
            receiver.choice, receiver.pace, receiver.channel.capacity, started_at=self._clock()
        )
        return Delivery(receiver, outbox, Worker(receiver.channel.sender(), self._note_end))

    def start(self) -> None:
        """Start all threads. Raises ThreadUnavailableError."""
        if self._state is not None:
            self._state.start()
        for delivery in self._deliveries:
            self._start_worker(delivery)
        self._thread = threads.start("ts-notify", self._run, on_crash=self._on_crash)

    def _start_worker(self, delivery: Delivery) -> None:
        self._numbers += 1
        delivery.worker.start(self._numbers, self._on_crash)

    def note(
        self,
        host_id: str,
        host_name: str,
        firing: Iterable[Alert],
        resolved: Iterable[Alert] = (),
        omitted: int = 0,
        *,
        scope: str = "",
    ) -> None:
        """Take the alerts of a host: all that fire, and those that resolved since the call before. Never waits.

        They have the form of the wire (docs/protocol.md). ``omitted`` is the number of firing alerts that are not
        given; if there are any, only ``resolved`` ends an alert. ``scope`` is that of another producer than the host:
        the alerts of each scope are reported on their own.
        """
        note = Note(scope or host_id, host_id, host_name, tuple(firing), tuple(resolved), omitted)
        with self._lock:
            if note.scope in self._notes:
                size, before = self._notes.pop(note.scope)
                self._noted_bytes -= size
                note = note.after(before)
            size = _bytes_of(note)
            self._notes[note.scope] = size, note
            self._noted_bytes += size
            while self._noted_bytes > MAX_NOTED_BYTES:
                self._noted_bytes -= self._notes.pop(next(iter(self._notes)))[0]
                self.dropped_notes += 1
        self._wake.set()

    def reload(self) -> None:
        """Load the receivers again. If they are not valid, log it and keep the previous ones."""
        try:
            found = self._load()
        except NotifyError as error:
            log.error("Reload failed, keeping the previous receivers: %s", error)
            return
        with self._lock:
            self._next_receivers = found
        self._wake.set()
        log.info("Receivers reloaded: %d", len(found))

    def report(self) -> list[dict[str, Any]]:
        """Return the state of each receiver, without secrets."""
        return list(self._reports)

    def stop(self) -> None:
        """Begin no further attempt. Those in progress may end until ``close``."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        """Abort what is in progress, save the state and end the threads. Safe to repeat, and before ``start``."""
        self._stopping = self._closed = True
        self._wake.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)
        if self._numbers:
            for worker in [*(delivery.worker for delivery in self._deliveries), *self._retired]:
                worker.stop()
                worker.abort()
            for worker in [*(delivery.worker for delivery in self._deliveries), *self._retired]:
                worker.join(max(0.0, deadline - time.monotonic()))
        if self._state is not None:
            self._state.close()

    def _note_end(self, worker: Worker, error: DeliveryError | None) -> None:
        """Runs on the thread of a worker."""
        with self._lock:
            self._ended.append((worker, error))
        self._wake.set()

    def _run(self) -> None:
        """Runs on ts-notify."""
        while True:
            self._wake.wait(self._maybe_wait_seconds())
            self._wake.clear()
            is_closed = self._closed
            self._step()
            if is_closed:
                return

    def _step(self) -> None:
        """Take what has come in, begin what is due, and save what has changed."""
        with self._lock:
            notes, self._notes, self._noted_bytes = self._notes, {}, 0
            ended, self._ended = self._ended, []
            receivers, self._next_receivers = self._next_receivers, None
        if receivers is not None:
            self._replace(receivers)
        now = self._clock()
        for worker, error in ended:
            self._take_end(worker, error, now)
        for _, note in notes.values():
            for delivery in self._deliveries:
                delivery.outbox.note(note, now)
        for delivery in self._deliveries:
            delivery.abort_if_too_long(now)
            if not self._stopping:
                delivery.begin_if_due(now, self.silences.cover)
        if self._state is not None:
            self._state.save(self._deliveries, is_last=self._closed)
        self._reports = tuple(delivery.report() for delivery in self._deliveries)

    def _take_end(self, worker: Worker, error: DeliveryError | None, now: float) -> None:
        """Note how an attempt ended. That of a receiver that was removed meanwhile does not count."""
        delivery = next(
            (delivery for delivery in self._deliveries if delivery.attempting is worker), None
        )
        if delivery is None:
            return
        if self._closed and error is not None and not error.is_delivered:  # it was aborted
            return
        delivery.take_end(error, now)

    def _replace(self, receivers: Iterable[Receiver]) -> None:
        """Use other receivers. One that has not changed stays as it is; one of the same name keeps its state."""
        before = {delivery.receiver.name: delivery for delivery in self._deliveries}
        deliveries = []
        for receiver in receivers:
            known = before.get(receiver.name)
            if known is not None and known.receiver == receiver:
                deliveries.append(before.pop(receiver.name))
                continue
            delivery = self._delivery(receiver)
            try:
                self._start_worker(delivery)
            except threads.ThreadUnavailableError as error:
                log.error("The receiver %s cannot be used: %s", receiver.name, error)
                continue
            if known is not None:
                delivery.take_over(known)
            deliveries.append(delivery)
        self._retired = [worker for worker in self._retired if worker.is_alive]
        taken_over = {delivery.attempting for delivery in deliveries}
        for delivery in before.values():
            delivery.worker.stop()
            if delivery.worker not in taken_over:
                delivery.worker.abort()
            self._retired.append(delivery.worker)
        self._deliveries = deliveries

    def _maybe_wait_seconds(self) -> float | None:
        """Return until when nothing is to be done; None if that is unknown."""
        now = self._clock()
        times = [self._state.maybe_save_at(self._deliveries) if self._state is not None else None]
        for delivery in self._deliveries:
            times.append(delivery.maybe_abort_at())
            if not self._stopping:
                times.append(delivery.outbox.maybe_next_at(now, self.silences.cover))
        seconds = [at - now for at in times if at is not None]
        end = self.silences.maybe_next_end_seconds()
        if end is not None:
            seconds.append(end + 0.01)
        return max(0.0, min(seconds)) if seconds else None


def _bytes_of(note: Note) -> int:
    alerts = (*note.firing, *note.resolved, *note.passed)
    return NOTE_BYTES + sum(ALERT_BYTES + 4 * len(alert["text"]) for alert in alerts)
