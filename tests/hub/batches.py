"""A batch in memory: it sends to clients of tests, whose sinks are their own ``try_send``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Sink = Callable[[bytes], int]


class FakeBatch:
    """Calls each sink in turn, and records the sizes of its audiences. Works until ``is_active`` is set to False."""

    def __init__(self) -> None:
        self.is_active = True
        self.audiences: list[int] = []

    @property
    def works(self) -> bool | None:
        """None before the first call."""
        return self.is_active if self.audiences or not self.is_active else None

    def try_send_all(self, frame: bytes, sinks: Sequence[Sink]) -> list[int]:
        """Return what each sink took, or -1 if it raises OSError."""
        self.audiences.append(len(sinks))
        return [_try_send(sink, frame) for sink in sinks]


def _try_send(sink: Sink, frame: bytes) -> int:
    try:
        return sink(frame)
    except OSError:
        return -1
