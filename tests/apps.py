"""Parts for tests of an app: quick settings, and the source and the origin of an embedding program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from telemetry_stream import Settings
from telemetry_stream.stream import Feed, Stream
from tests.server.service import HOST, sample
from tests.stream.streaming import add_feed

FAST = Settings(port=0, interval=0.1)


class OwnSource:
    """A source whose section is what ``collect`` returns at each tick."""

    def __init__(self, name: str, collect: Callable[[], object]) -> None:
        self.name = name
        self._collect = collect

    def collect(self, now: object) -> object:
        return self._collect()


class OwnOrigin:
    """An origin of one host. The test publishes its samples, and sets its ``problem``.

    ``start`` and ``close`` append their name and the host's id to ``calls``. Then they call ``on_start`` and
    ``on_close``, which may raise.
    """

    def __init__(
        self,
        host_id: str = "host-1",
        *,
        calls: list[str] | None = None,
        on_start: Callable[[], object] = lambda: None,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self.problem: str | None = None
        self.calls: list[str] = [] if calls is None else calls
        self.feed: Feed
        self.on_crash: Callable[[BaseException], None]
        self._host = replace(HOST, id=host_id)
        self._on_start = on_start
        self._on_close = on_close

    def start(self, stream: Stream, on_crash: Callable[[BaseException], None]) -> None:
        self.calls.append(f"start {self._host.id}")
        self._on_start()
        self.on_crash = on_crash
        self.feed = add_feed(stream, self._host)

    def publish(self) -> int:
        """Publish the next sample; return its ``seq``."""
        return self.feed.publish(replace(sample(self.feed.seq + 1), host=self._host.id))

    def maybe_problem(self) -> str | None:
        return self.problem

    def close(self) -> None:
        self.calls.append(f"close {self._host.id}")
        self._on_close()
