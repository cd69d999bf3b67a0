"""One hub and sixteen threads that register, leave, broadcast and close as they like."""

from __future__ import annotations

import itertools
import random
import threading

from telemetry_stream import threads
from telemetry_stream.hub import End, Hub
from tests.hub.clients import WAIT_SECONDS, Reader, fan_out_all
from tests.hub.wire import numbered


class Crowd:
    """Sixteen threads that do as they like with one hub, and keep book of what each client must have got."""

    THREADS = 16
    OPERATIONS = 10_000

    def __init__(self, hub: Hub, *, close_after: int | None = None) -> None:
        self.hub = hub
        self.close_after = close_after  # each thread closes the hub after so many of its operations
        # Off together, in rounds that do not fill the inbox: nothing is refused until the hub is closed.
        self.together = threading.Barrier(self.THREADS, action=self._next_round)
        self.rounds = 0
        self.errors: list[BaseException] = []
        self.staying: list[Reader] = []
        self.left: list[Reader] = []
        self.turned_away: list[Reader] = []
        # For each client what the thread that owns it broadcast while it was in: the least that it must get.
        self.due: dict[Reader, list[bytes]] = {}

    def run(self) -> None:
        crowd = [
            threads.start(f"ts-test-{n}", self._act, n, on_crash=self.errors.append)
            for n in range(self.THREADS)
        ]
        for thread in crowd:
            thread.join(WAIT_SECONDS)
        assert not any(thread.is_alive() for thread in crowd)
        assert self.errors == []

    def _next_round(self) -> None:
        self.rounds += 1
        if self.close_after is None:
            fan_out_all(self.hub)

    def _act(self, who: int) -> None:
        dice = random.Random(who)
        mine: list[Reader] = []
        for n in range(self.OPERATIONS // self.THREADS):
            if n % 125 == 0:
                self.together.wait(WAIT_SECONDS)
            if n == self.close_after:
                self.hub.close(timeout=WAIT_SECONDS)
            act = dice.choice((self._register, self._unregister, self._broadcast))
            act(mine, numbered(who * self.OPERATIONS + n), dice)
        self.staying += mine

    def _register(self, mine: list[Reader], frame: bytes, dice: random.Random) -> None:
        client = Reader(topic=dice.choice(("cpu", "memory")))
        self.due[client] = []
        if self.hub.register(client):
            mine.append(client)
        else:
            self.turned_away.append(client)

    def _unregister(self, mine: list[Reader], frame: bytes, dice: random.Random) -> None:
        if not mine:
            return
        client = mine.pop(dice.randrange(len(mine)))
        if dice.random() < 0.5:
            client.close(End.SILENT)
        self.hub.unregister(client)
        self.hub.unregister(client)
        self.left.append(client)

    def _broadcast(self, mine: list[Reader], frame: bytes, dice: random.Random) -> None:
        topic = dice.choice(("cpu", "memory"))
        if self.hub.broadcast(frame, topic):
            for client in mine:
                if client.topic == topic:
                    self.due[client].append(frame)


def is_subsequence(part: list[bytes], whole: list[bytes]) -> bool:
    """Whether ``whole`` holds all of ``part`` in its order."""
    rest = iter(whole)
    return all(item in rest for item in part)


def test_sixteen_threads_at_once(hub: Hub) -> None:
    """10,000 operations at once: no error, no client lost or doubled, all get what they must in one common order."""
    crowd = Crowd(hub)
    crowd.run()
    fan_out_all(hub)
    for client in crowd.staying:
        assert is_subsequence(crowd.due[client], client.frames)
    for first, second in itertools.pairwise(c for c in crowd.staying if c.topic == "cpu"):
        shared = set(first.frames) & set(second.frames)
        assert [f for f in first.frames if f in shared] == [f for f in second.frames if f in shared]
    assert all(len(client.frames) == len(set(client.frames)) for client in crowd.due)

    assert set(hub.clients()) == set(crowd.staying)
    stats = hub.stats()
    assert stats.clients == len(crowd.staying)
    markers = crowd.rounds + 1  # of fan_out_all
    assert stats.registered == len(crowd.staying) + len(crowd.left) + markers
    assert sum(stats.ended.values()) == len(crowd.left) + markers
    assert (stats.refused, stats.dropped) == (0, 0)
    for client in crowd.staying:
        hub.unregister(client)
    assert (hub.clients(), hub.topics()) == ((), ())


def test_sixteen_threads_and_close(hub: Hub) -> None:
    """The same with all of them closing the hub halfway: everybody is ended, and nobody who came late is in."""
    crowd = Crowd(hub, close_after=300)
    crowd.run()
    assert set(hub.clients()) == set(crowd.staying)
    assert all(client.end is End.GOING_AWAY for client in crowd.staying)
    assert crowd.turned_away
    assert all(client.end is End.GOING_AWAY for client in crowd.turned_away)
    assert all(client.frames == [] for client in crowd.turned_away)
    stats = hub.stats()
    assert stats.registered == len(crowd.staying) + len(crowd.left)
    assert stats.refused > 0
    assert not {"ts-hub", "ts-grace"} & {thread.name for thread in threading.enumerate()}
