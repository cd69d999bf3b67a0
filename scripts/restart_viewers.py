"""The viewers of scripts/bench-restart: each comes back as a dashboard does, and keeps what it got; all on one thread.

What a page does is said in web/src/stream (backoff.ts, connection.ts, address.ts) and done here in small: the schedule
of its tries, the time that it gives each, and what it asks for. It relies on wire.py for frames. It does not do
what only a person at a browser does ("try now", a tab that is shown again), does not ask why it was refused, which a
page does by HTTP before it waits for its next try, and has no table of processes open, for which a page has a second
connection.
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
# How long a browser waits, once goodbye is said in both directions, for the server to hang up.
HANG_UP_SECONDS = 2.0


class Seen(NamedTuple):
    """A sample: the run that it is of, and its number in it."""

    stream: str
    seq: int


def retry_delay_seconds(failures: int, chance: float) -> float:
    """How long a page waits after its ``failures``-th try in vain; ``chance`` is in [0, 1)."""
    full: float = min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH**failures)
    return full * (0.7 + 0.6 * chance)


def path_after(newest: Seen | None) -> str:
    """What a page asks for when this is the newest sample that it has."""
    path = f"/ws?history={HISTORY_SECONDS}"
    return path if newest is None else f"{path}&since={newest.seq}&stream={newest.stream}"


@lru_cache(maxsize=64)  # a thousand viewers get the same text
def samples_of(text: bytes) -> tuple[Seen, ...]:
    """The samples in a message."""
    message = json.loads(text)
    samples = {"history": message.get("samples"), "sample": [message]}.get(message["type"]) or ()
    return tuple(Seen(sample["stream"], sample["seq"]) for sample in samples)


class Phase(Enum):
    """Where a page's connection is."""

    WAITING = auto()  # for its next try
    CONNECTING = auto()
    ASKING = auto()  # for the upgrade
    OPEN = auto()
    CLOSING = auto()  # goodbye is said, the server has not hung up


class Page:
    """One viewer. Everything runs on the crowd's thread."""

    def __init__(self, crowd: Crowd, chance: Callable[[], float]) -> None:
        self.end_code: int | None = None  # of the last close frame
        self.back_at = 0.0  # monotonic seconds of the last 101
        self.began: dict[str, float] = {}  # when a run's first sample came
        self.got: defaultdict[str, list[int]] = defaultdict(list)  # numbers by run, as they came
        self.alarm = 0  # which of the alarms set for this page counts
        self._crowd = crowd
        self._chance = chance
        self._phase = Phase.WAITING
        self._failures = 0
        self._newest: Seen | None = None
        self._sock: socket.socket  # while it is not WAITING
        self._buffer = self._message = b""

    def ring(self) -> None:
        """The time has come: for the next try, or for giving this one up."""
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
        """The socket is ready."""
        if self._phase is Phase.CONNECTING:
            self._connected()
            return
        try:
            data = self._sock.recv(1 << 18)
        except OSError:  # reset
            data = b""
        if not data:
            if self._phase is Phase.ASKING:
                self._crowd.tries["hung up on"] += 1
            self._lost()
            return
        self._buffer += data
        if self._phase is Phase.ASKING:
            self._answered()
        while self._phase in {Phase.OPEN, Phase.CLOSING} and self._took_frame():
            pass

    def _connected(self) -> None:
        if error := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._refused(error)
            return
        self._phase = Phase.ASKING
        self._say(request(path_after(self._newest), upgrade=True))
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
        self.alarm += 1  # no alarm counts

    def _took_frame(self) -> bool:
        if (frame := maybe_frame(self._buffer)) is None:
            return False
        first, payload, self._buffer = frame
        opcode, final = first & 0x0F, first & 0x80
        if opcode == PING:
            self._say(masked(PONG, payload))
        elif opcode == CLOSE:
            self.end_code = int.from_bytes(payload[:2], "big")
            self._say(masked(CLOSE, payload[:2]))
            self._phase = Phase.CLOSING
            self._crowd.set_alarm(self, HANG_UP_SECONDS)
        elif opcode in {0, TEXT}:
            self._message += payload
            if final:
                self._failures = 0
                self._take(samples_of(self._message))
                self._message = b""
        return True

    def _say(self, data: bytes) -> None:
        try:
            self._sock.send(data)
        except OSError:
            pass  # reset, which the next read will tell

    def _take(self, samples: tuple[Seen, ...]) -> None:
        for sample in samples:
            self._newest = sample
            self.began.setdefault(sample.stream, time.monotonic())
            self.got[sample.stream].append(sample.seq)
            self._crowd.seen(sample)

    def _refused(self, error: int) -> None:
        self._crowd.tries[errno.errorcode[error]] += 1
        self._lost()

    def _lost(self) -> None:
        """The connection is no more, or never was: wait, and try again."""
        self.close()
        self._crowd.set_alarm(self, retry_delay_seconds(self._failures, self._chance()))
        self._failures += 1

    def close(self) -> None:
        """Leave without a word."""
        if self._phase is not Phase.WAITING:
            self._crowd.forget(self._sock)
            self._sock.close()
            self._phase = Phase.WAITING


class Crowd:
    """All pages, and the one loop that serves them and whatever else has a descriptor."""

    def __init__(self, address: tuple[str, int], viewers: int) -> None:
        self.address = address
        self.tries: Counter[str] = Counter()  # by what became of them
        self.stream = ""  # the run that began last
        self.highest: dict[str, int] = {}  # the newest number that anybody got, by run
        self.having: Counter[Seen] = Counter()  # how many have a sample
        self._selector = selectors.DefaultSelector()
        self._alarms: list[tuple[float, int, int, Page]] = []
        self._alarms_set = 0
        chance = random.Random(1).random  # noqa: S311 (the same crowd each time)
        self.pages = [Page(self, chance) for _ in range(viewers)]
        for page in self.pages:
            self.set_alarm(page, 0)

    def set_alarm(self, page: Page, seconds: float) -> None:
        """Ring ``page`` then, in place of any earlier alarm."""
        page.alarm += 1
        self._alarms_set += 1
        due = time.monotonic() + seconds
        heapq.heappush(self._alarms, (due, self._alarms_set, page.alarm, page))

    def listen(self, what: socket.socket | int, events: int, ready: Callable[[], object]) -> None:
        """Call ``ready`` when there is something on this descriptor."""
        try:
            self._selector.modify(what, events, ready)
        except KeyError:
            self._selector.register(what, events, ready)

    def forget(self, what: socket.socket | int) -> None:
        """Listen no more, if it was listened to."""
        try:
            self._selector.unregister(what)
        except KeyError:
            pass  # refused at once, or forgotten before

    def seen(self, sample: Seen) -> None:
        """Somebody has got this one."""
        if sample.stream not in self.highest:
            self.stream = sample.stream
        self.highest[sample.stream] = max(self.highest.get(sample.stream, 0), sample.seq)
        self.having[sample] += 1

    @property
    def newest(self) -> Seen:
        """The newest sample that anybody has; its number is 0 before the first."""
        return Seen(self.stream, self.highest.get(self.stream, 0))

    def all_have_newest(self) -> bool:
        """Whether nobody is behind."""
        return self.having[self.newest] >= len(self.pages)

    def all_are_in(self, stream: str) -> bool:
        """Whether everybody has a sample of this run."""
        return all(stream in page.began for page in self.pages)

    def holes(self, stream: str) -> int:
        """Numbers of this run that a viewer got not at all, or more than once, added up over the viewers."""
        wanted = range(1, self.highest.get(stream, 0) + 1)
        return sum(
            counted[seq] != 1
            for counted in (Counter(page.got[stream]) for page in self.pages)
            for seq in wanted
        )

    def until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Serve until ``condition()`` holds; False if it does not within ``seconds``."""
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
        """Everybody leaves."""
        for page in self.pages:
            page.close()
        self._selector.close()
