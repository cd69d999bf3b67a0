"""One hub and sixteen threads that register, unregister and broadcast at random, and that close the hub."""

from __future__ import annotations

import itertools
import random
import threading

from telemetry_stream import threads
from telemetry_stream.hub import End, Hub
from tests.hub.clients import WAIT_SECONDS, ReadingClient, hub_threads, wait_for_fan_out
from tests.hub.transport import numbered


class RandomOperations:
    """Sixteen threads that use one hub at random, and a record of the frames that each client must get."""

    THREADS = 16
    OPERATIONS = 10_000  # of all threads together
    ROUND = 125  # operations of a thread after which it waits for the others

    def __init__(self, hub: Hub, *, close_after: int | None = None) -> None:
        self.hub = hub
        self.close_after = (
            close_after  # each thread closes the hub after this number of its operations
        )
        # The threads begin each round together. Between two rounds the inbox is emptied, so that an open hub refuses
        # no frame.
        self.barrier = threading.Barrier(self.THREADS, action=self._begin_round)
        self.rounds = 0
        self.errors: list[BaseException] = []
        self.registered: list[ReadingClient] = []  # at the end
        self.unregistered: list[ReadingClient] = []
        self.refused: list[ReadingClient] = []
        # For each client, the frames that its own thread broadcast while the client was registered.
        self.expected: dict[ReadingClient, list[bytes]] = {}

    def run(self) -> None:
        running = [
            threads.start(f"ts-test-{n}", self._operate, n, on_crash=self.errors.append)
            for n in range(self.THREADS)
        ]
        for thread in running:
            thread.join(WAIT_SECONDS)
        assert not any(thread.is_alive() for thread in running)
        assert self.errors == []

    def _begin_round(self) -> None:
        self.rounds += 1
        if self.close_after is None:
            wait_for_fan_out(self.hub)

    def _operate(self, thread: int) -> None:
        rng = random.Random(thread)
        own: list[ReadingClient] = []
        for n in range(self.OPERATIONS // self.THREADS):
            if n % self.ROUND == 0:
                self.barrier.wait(WAIT_SECONDS)
            if n == self.close_after:
                self.hub.close(timeout=WAIT_SECONDS)
            operation = rng.choice((self._register, self._unregister, self._broadcast))
            operation(own, numbered(thread * self.OPERATIONS + n), rng)
        self.registered += own

    def _register(self, own: list[ReadingClient], frame: bytes, rng: random.Random) -> None:
        client = ReadingClient(topic=rng.choice(("cpu", "memory")))
        self.expected[client] = []
        if self.hub.register(client):
            own.append(client)
        else:
            self.refused.append(client)

    def _unregister(self, own: list[ReadingClient], frame: bytes, rng: random.Random) -> None:
        if not own:
            return
        client = own.pop(rng.randrange(len(own)))
        if rng.random() < 0.5:
            client.close(End.SILENT)
        self.hub.unregister(client)
        self.hub.unregister(client)
        self.unregistered.append(client)

    def _broadcast(self, own: list[ReadingClient], frame: bytes, rng: random.Random) -> None:
        topic = rng.choice(("cpu", "memory"))
        if self.hub.broadcast(frame, topic):
            for client in own:
                if client.topic == topic:
                    self.expected[client].append(frame)


def is_subsequence(part: list[bytes], whole: list[bytes]) -> bool:
    """Return whether ``whole`` contains all items of ``part`` in the order of ``part``."""
    rest = iter(whole)
    return all(item in rest for item in part)


def test_sixteen_threads_use_a_hub_at_random(hub: Hub) -> None:
    """After 10,000 operations each client got its frames once, all in the same order, and every client is counted."""
    operations = RandomOperations(hub)
    operations.run()
    wait_for_fan_out(hub)
    registered = operations.registered
    for client in registered:
        assert is_subsequence(operations.expected[client], client.frames)
    for first, second in itertools.pairwise(c for c in registered if c.topic == "cpu"):
        common = set(first.frames) & set(second.frames)
        assert [f for f in first.frames if f in common] == [f for f in second.frames if f in common]
    assert all(len(client.frames) == len(set(client.frames)) for client in operations.expected)

    assert set(hub.clients()) == set(registered)
    stats = hub.stats()
    assert stats.clients == len(registered)
    markers = operations.rounds + 1  # clients of wait_for_fan_out
    assert stats.registered == len(registered) + len(operations.unregistered) + markers
    assert sum(stats.ended.values()) == len(operations.unregistered) + markers
    assert (stats.refused, stats.dropped) == (0, 0)
    for client in registered:
        hub.unregister(client)
    assert (hub.clients(), hub.topics()) == ((), ())


def test_sixteen_threads_close_a_hub(hub: Hub) -> None:
    """If all threads close the hub halfway, every client ends, and the hub accepts no client and no frame after it."""
    operations = RandomOperations(hub, close_after=300)
    operations.run()
    assert set(hub.clients()) == set(operations.registered)
    assert all(client.end is End.GOING_AWAY for client in operations.registered)
    assert operations.refused
    assert all(client.end is End.GOING_AWAY for client in operations.refused)
    assert all(client.frames == [] for client in operations.refused)
    stats = hub.stats()
    assert stats.registered == len(operations.registered) + len(operations.unregistered)
    assert stats.refused > 0
    assert hub_threads() == set()
