"""The viewers of scripts/bench-restart, on one thread: each reconnects as the dashboard does, and records its samples.

The schedule of the tries, the timeout of a try and the request are those of the page (web/src/stream: backoff.ts,
connection.ts, address.ts). Relies on wire.py for frames. It leaves out what depends on a user ("try now", a tab that is
shown again), the HTTP request with which the page asks for the reason of a refusal, and the second connection for the
table of processes.
"""

from __future__ import annotations

import errno
import heapq
import json
import random
import selectors
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from wire import CLOSE, PING, PONG, TEXT, masked, maybe_frame, request

FIRST_SECONDS, GROWTH, LONGEST_SECONDS = 0.5, 1.7, 15.0
TRY_SECONDS = 4.0
HISTORY_SECONDS = 600
# How long a browser waits, after close frames in both directions, until the server closes the connection.
CLOSE_SECONDS = 2.0


class Seen(NamedTuple):
    """A sample: its run of the program, and its sequence number."""

    stream: str
    seq: int


def retry_delay_seconds(failures: int, chance: float) -> float:
    """Return how long the page waits after ``failures`` failed tries; ``chance`` is in [0, 1)."""
    full: float = min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH**failures)
    return full * (0.7 + 0.6 * chance)


def path_after(newest: Seen | None) -> str:
    """Return the path that the page requests when this is its newest sample."""
    path = f"/ws?history={HISTORY_SECONDS}"
    return path if newest is None else f"{path}&since={newest.seq}&stream={newest.stream}"


@lru_cache(maxsize=64)  # a thousand viewers get the same text
def samples_of(text: bytes) -> tuple[Seen, ...]:
    """Return the samples in a message."""
    message = json.loads(text)
    samples = {"history": message.get("samples"), "sample": [message]}.get(message["type"]) or ()
    return tuple(Seen(sample["stream"], sample["seq"]) for sample in samples)


class Phase(Enum):
    """The state of a page's connection."""

    WAITING = auto()  # for the next try
    CONNECTING = auto()
    UPGRADING = auto()
    OPEN = auto()
    CLOSING = auto()  # close frames were exchanged, the server has not closed the connection


class Page:
    """One viewer. Everything runs on the thread of the crowd."""

    def __init__(self, crowd: Crowd, chance: Callable[[], float]) -> None:
        self.end_code: int | None = None  # of the last close frame
        self.back_at = 0.0  # monotonic seconds of the last 101
        self.began: dict[str, float] = {}  # monotonic seconds of the first sample, by run
        # Sequence numbers by run, in order of arrival.
        self.got: defaultdict[str, list[int]] = defaultdict(list)
        self.alarm = 0  # the number of the valid alarm; earlier ones are ignored
        self._crowd = crowd
        self._chance = chance
        self._phase = Phase.WAITING
        self._failures = 0
        self._newest: Seen | None = None
        self._sock: socket.socket  # unless WAITING
        self._buffer = self._message = b""

    def ring(self) -> None:
        """Handle the alarm: start the next try, or end one that takes too long."""
        if self._phase is Phase.WAITING:
            self._try()
        else:
            if self._phase is not Phase.CLOSING:
                self._crowd.tries["took too long"] += 1
            self._lost()

    def _try(self) -> None:
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self._buffer = self._message = b""
        self._phase = Phase.CONNECTING
        error = self._sock.connect_ex(self._crowd.address)
        if error not in {0, errno.EINPROGRESS}:
            self._refused(error)
            return
        self._crowd.listen(self._sock, selectors.EVENT_WRITE, self.serve)
        self._crowd.set_alarm(self, TRY_SECONDS)

    def serve(self) -> None:
        """Handle a socket that is ready."""
        if self._phase is Phase.CONNECTING:
            self._connected()
            return
        try:
            data = self._sock.recv(1 << 18)
        except OSError:  # reset
            data = b""
        if not data:
            if self._phase is Phase.UPGRADING:
                self._crowd.tries["closed"] += 1
            self._lost()
            return
        self._buffer += data
        if self._phase is Phase.UPGRADING:
            self._answered()
        while self._phase in {Phase.OPEN, Phase.CLOSING} and self._handled_frame():
            pass

    def _connected(self) -> None:
        if error := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._refused(error)
            return
        self._phase = Phase.UPGRADING
        self._send(request(path_after(self._newest), upgrade=True))
        self._crowd.listen(self._sock, selectors.EVENT_READ, self.serve)

    def _answered(self) -> None:
        if b"\r\n\r\n" not in self._buffer:
            return
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1].decode()
        self._crowd.tries[status] += 1
        if status != "101":
            self._lost()
            return
        self._phase = Phase.OPEN
        self.back_at = time.monotonic()
        self.alarm += 1  # no alarm is valid

    def _handled_frame(self) -> bool:
        if (frame := maybe_frame(self._buffer)) is None:
            return False
        first, payload, self._buffer = frame
        opcode, final = first & 0x0F, first & 0x80
        if opcode == PING:
            self._send(masked(PONG, payload))
        elif opcode == CLOSE:
            self.end_code = int.from_bytes(payload[:2], "big")
            self._send(masked(CLOSE, payload[:2]))
            self._phase = Phase.CLOSING
            self._crowd.set_alarm(self, CLOSE_SECONDS)
        elif opcode in {0, TEXT}:
            self._message += payload
            if final:
                self._failures = 0
                self._record(samples_of(self._message))
                self._message = b""
        return True

    def _send(self, data: bytes) -> None:
        try:
            self._sock.send(data)
        except OSError:
            pass  # after a reset; the next read will fail

    def _record(self, samples: tuple[Seen, ...]) -> None:
        for sample in samples:
            self._newest = sample
            self.began.setdefault(sample.stream, time.monotonic())
            self.got[sample.stream].append(sample.seq)
            self._crowd.record(sample)

    def _refused(self, error: int) -> None:
        self._crowd.tries[errno.errorcode[error]] += 1
        self._lost()

    def _lost(self) -> None:
        """Close the connection, and set the alarm for the next try."""
        self.close()
        self._crowd.set_alarm(self, retry_delay_seconds(self._failures, self._chance()))
        self._failures += 1

    def close(self) -> None:
        """Close the connection without a close frame."""
        if self._phase is not Phase.WAITING:
            self._crowd.unlisten(self._sock)
            self._sock.close()
            self._phase = Phase.WAITING


class Crowd:
    """All pages, and the loop that serves them and other descriptors."""

    def __init__(self, address: tuple[str, int], viewers: int) -> None:
        self.address = address
        self.tries: Counter[str] = Counter()  # by their result
        self.stream = ""  # the newest run
        self.highest: dict[str, int] = {}  # the highest sequence number that a page got, by run
        self.having: Counter[Seen] = Counter()  # how many pages have a sample
        self._selector = selectors.DefaultSelector()
        self._alarms: list[tuple[float, int, int, Page]] = []
        self._alarms_set = 0
        chance = random.Random(1).random  # noqa: S311 (the same viewers in each run)
        self.pages = [Page(self, chance) for _ in range(viewers)]
        for page in self.pages:
            self.set_alarm(page, 0)

    def set_alarm(self, page: Page, seconds: float) -> None:
        """Call ``page.ring`` after so many seconds; this replaces an earlier alarm."""
        page.alarm += 1
        self._alarms_set += 1
        due = time.monotonic() + seconds
        heapq.heappush(self._alarms, (due, self._alarms_set, page.alarm, page))

    def listen(self, what: socket.socket | int, events: int, ready: Callable[[], object]) -> None:
        """Call ``ready`` when these events occur on the descriptor."""
        try:
            self._selector.modify(what, events, ready)
        except KeyError:
            self._selector.register(what, events, ready)

    def unlisten(self, what: socket.socket | int) -> None:
        """Ignore the descriptor from now on. Safe to call twice."""
        try:
            self._selector.unregister(what)
        except KeyError:
            pass  # the connect failed at once, or this is the second call

    def record(self, sample: Seen) -> None:
        """Count a sample that a page has received."""
        if sample.stream not in self.highest:
            self.stream = sample.stream
        self.highest[sample.stream] = max(self.highest.get(sample.stream, 0), sample.seq)
        self.having[sample] += 1

    @property
    def newest(self) -> Seen:
        """The newest sample that a page has; its sequence number is 0 before the first."""
        return Seen(self.stream, self.highest.get(self.stream, 0))

    def all_have_newest(self) -> bool:
        """Return whether all pages have the newest sample."""
        return self.having[self.newest] >= len(self.pages)

    def all_are_in(self, stream: str) -> bool:
        """Return whether all pages have a sample of this run."""
        return all(stream in page.began for page in self.pages)

    def gaps(self, stream: str) -> int:
        """Return how many samples of this run a page missed or got more than once, added up over all pages."""
        expected = range(1, self.highest.get(stream, 0) + 1)
        return sum(
            counted[seq] != 1
            for counted in (Counter(page.got[stream]) for page in self.pages)
            for seq in expected
        )

    def until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Serve until ``condition()`` is true; return False if it is not within ``seconds``."""
        deadline = time.monotonic() + seconds
        while not condition():
            now = time.monotonic()
            if now >= deadline:
                return False
            due = min(deadline, self._alarms[0][0]) if self._alarms else deadline
            for key, _ in self._selector.select(max(0.0, due - now)):
                key.data()
            self._ring()
        return True

    def _ring(self) -> None:
        now = time.monotonic()
        while self._alarms and self._alarms[0][0] <= now:
            _, _, alarm, page = heapq.heappop(self._alarms)
            if alarm == page.alarm:
                page.ring()

    def close(self) -> None:
        """Close all connections."""
        for page in self.pages:
            page.close()
        self._selector.close()
