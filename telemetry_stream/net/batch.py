"""Sends one frame to many transports with one system call: what ``Transport.try_send`` does for each of them.

Relies on a ``Ring`` (uring.py). Plain transports only, because TLS encrypts a frame for each peer separately. Does not
depend on hub or viewers.

The locks of the transports are held while their descriptors are with the kernel. So no other write comes in between,
and no descriptor is closed, whose number another connection could get.

With thousands of transports, one thread would be busy all the time. The interpreter's lock is free during the system
call, so a second thread with a ring of its own makes some of the calls for a large audience.
"""

from __future__ import annotations

import itertools
import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .. import threads
from .transport import Transport

if TYPE_CHECKING:
    from .uring import Ring

log = logging.getLogger(__name__)

# Sends per system call. The locks are held during one call, so a larger ring would delay pongs. It would not save CPU
# either: with 1000 viewers, four calls of 256 cost 0.93 of one call, because fewer objects fit better into the
# processor's cache.
RING_ENTRIES = 256


# From so many calls on, a second thread makes some of them (docs/performance.md).
PARALLEL_CALLS = 8

# One call takes a few milliseconds.
JOIN_SECONDS = 1.0


class _Job:
    """A frame for many transports, in parts of one system call each. Each thread takes the next part that is left."""

    def __init__(self, frame: bytes, parts: Sequence[Sequence[Transport]]) -> None:
        self.frame = frame
        self.waiting = deque(enumerate(parts))
        self.results = [[0] * len(part) for part in parts]
        self.helper_is_done = threading.Event()


class Batch:
    """One ring or two, and their use for transports, from ``start`` to ``close``. Any thread may call it.

    The first call with a transport opens the rings: most programs never have so many viewers, and save half a MiB.
    ``is_active`` becomes False if io_uring is unavailable then, or fails later. Then nothing is sent through it.
    ``on_crash`` is called if the second thread dies of an unexpected error.
    """

    def __init__(self, on_crash: Callable[[BaseException], None] | None = None) -> None:
        self.is_active = False
        self._on_crash = on_crash
        self._lock = threading.Lock()  # guards both rings, and the use of the second thread
        self._rings: list[Ring] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._helper: threading.Thread | None = None

    @property
    def works(self) -> bool | None:
        """Whether the rings are used. None before the first call has tried to open them."""
        return None if self.is_active and not self._rings else self.is_active

    def start(self) -> None:
        """Permit calls of ``try_send_all``. Starts nothing."""
        self.is_active = True

    def try_send_all(self, frame: bytes, transports: Sequence[Transport]) -> list[int]:
        """Do for each of these transports what ``try_send(frame)`` does. Return the results in the same order.

        A result is negative where ``try_send`` would raise OSError. If a ring fails, which is logged once, the result
        is 0 for all transports to which nothing was sent.
        """
        if not transports:  # such as viewers over TLS, for which no ring is needed
            return []
        starts = range(0, len(transports), RING_ENTRIES)
        job = _Job(frame, [transports[start : start + RING_ENTRIES] for start in starts])
        with self._lock:
            if self.is_active and not self._rings:
                self._open_locked()
            if not self.is_active:
                return [0] * len(transports)
            is_shared = self._helper is not None and len(starts) >= PARALLEL_CALLS
            if is_shared:
                self._jobs.put(job)
            self._work(job, self._rings[0])
            if is_shared:
                job.helper_is_done.wait()
        return list(itertools.chain.from_iterable(job.results))

    def _open_locked(self) -> None:
        """Open the rings, check that they work, and start the second thread if there is a second processor.

        If io_uring is unavailable, the log has the reason.
        """
        try:
            from .uring import Ring, UnavailableError  # noqa: PLC0415  # for large audiences only
        except (ImportError, MemoryError, OSError) as error:  # such as a limit of descriptors
            self._note_unavailable(error)
            return
        try:
            self._rings.append(Ring(RING_ENTRIES))
            if len(os.sched_getaffinity(0)) > 1:
                self._rings.append(Ring(RING_ENTRIES))
                self._helper = threads.start("ts-batch", self._help, on_crash=self._on_crash)
        except (UnavailableError, MemoryError) as error:
            self._note_unavailable(error)
        except threads.ThreadUnavailableError as error:
            log.warning("Frames are sent by one thread: %s", error)

    def _note_unavailable(self, error: Exception) -> None:
        self.is_active = False
        log.info(
            "Frames are sent with one system call per viewer, because io_uring is unavailable: %s",
            str(error) or "not enough memory",
        )

    def _help(self) -> None:
        """Take part in each job, until ``close``. Runs on ``ts-batch``."""
        while (job := self._jobs.get()) is not None:
            try:
                self._work(job, self._rings[1])
            except BaseException:
                self.is_active = False  # else the next job would wait for this thread
                raise
            finally:
                job.helper_is_done.set()

    def _work(self, job: _Job, ring: Ring) -> None:
        """Send the parts of ``job`` that no thread has taken yet."""
        while self.is_active:
            try:
                index, part = job.waiting.popleft()
            except IndexError:
                return
            job.results[index] = self._send_some(ring, job.frame, part)

    def _send_some(self, ring: Ring, frame: bytes, transports: Sequence[Transport]) -> list[int]:
        held = ready = [transport for transport in transports if transport._lock.acquire(False)]
        try:
            descriptors = [transport._descriptor for transport in held if not transport._blocked]
            if len(descriptors) < len(held):
                ready = [transport for transport in held if not transport._blocked]
            taken = ring.send(frame, descriptors)
            size = len(frame)
            if taken.count(size) == len(ready):
                for transport in ready:
                    transport.bytes_sent += size
            else:
                for transport, count in zip(ready, taken, strict=True):
                    if count > 0:
                        transport.bytes_sent += count
                        transport._keep_locked(memoryview(frame)[count:])
        finally:
            for transport in held:
                transport._lock.release()
        if ring.failure is not None and self.is_active:
            self.is_active = False
            log.warning(
                "Frames are sent with one system call per viewer from now on, because io_uring has failed: %s",
                ring.failure,
            )
        if len(ready) == len(transports):
            return taken
        found = dict(zip(ready, taken, strict=True))
        return [found.get(transport, 0) for transport in transports]

    def close(self) -> None:
        """Stop the second thread, and close the rings. Safe to call twice, and before ``start``."""
        with self._lock:
            self.is_active = False
            self._jobs.put(None)
            if self._helper is not None:
                self._helper.join(JOIN_SECONDS)
            for ring in self._rings:
                ring.close()
