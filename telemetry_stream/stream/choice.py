"""What a viewer selects: which samples of which host, in which form, and where they begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple


class Framing(NamedTuple):
    """How a JSON text becomes bytes on the wire: one whole message, and a long one that is given in pieces."""

    message: Callable[[bytes], bytes]
    pieces: Callable[[Iterable[bytes]], Iterator[bytes]]


class Choice(NamedTuple):
    """These sections of every ``every``-th sample of one host. It is the topic of the viewer's client.

    ``host`` is a HostInfo.id. ``sections`` None means all sections except the on-demand ones, which only a viewer that
    names them gets. A sample belongs to the choice if its ``seq``, which counts per host, is a multiple of ``every``.
    """

    framing: Framing
    host: str
    sections: tuple[str, ...] | None = None
    every: int = 1

    @property
    def group(self) -> str:
        """The host: the hub finds the choices of one host by it."""
        return self.host


class Resume(NamedTuple):
    """Which remembered samples a viewer gets."""

    history_seconds: float | None = None  # those of the last seconds; None: no limit
    # Those with a higher seq than ``since`` and a lower one than ``before``, if they are of the run ``stream`` or
    # ``stream`` is None. The seconds then count back from the newest of these.
    since: int = 0
    before: int | None = None
    stream: str | None = None
