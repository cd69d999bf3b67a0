"""The interface of a remote: one other host, however it is reached, and what it reports to.

A remote delivers the vitals of its host all the time, and its full samples on demand. It fills gaps by request,
beginning with the last sample that is known.

Everything that a remote receives comes from the network. The functions here check it: what is not a message of this
protocol raises ReceivedError, and texts that are shown are escaped and cut.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from ..escape import escaped
from ..metrics.sources.host import HostInfo
from ..stream import PROTOCOL
from ..stream.received import (
    ReceivedError,
    ReceivedSample,
    checked_id,
    checked_seq,
    decode,
    maybe_number,
)
from .alerts import UNKNOWN, Alerts, alerts_of

# The fields of the section vitals, in the order of a row of the overview.
FIELDS = (
    "cpu",
    "memory",
    "swap",
    "load",
    "pressure",
    "disk",
    "filesystem",
    "rx",
    "tx",
    "celsius",
)

UNKNOWN_NUMBERS = (None,) * len(FIELDS)  # of a host without vitals, or of a sample that is missing

NUMBERS = frozenset({int, float})
KNOWN = NUMBERS | {type(None)}
_values_of = operator.itemgetter(*FIELDS)
MOST = 1e300  # of a number; also false for infinity

MAX_VITALS_CHARACTERS = 4096  # of a message with vitals; usual are 400
MAX_TEXT_CHARACTERS = 128
MAX_TAGS = 32
MAX_INTERVAL_SECONDS = 60.0  # of the setting `interval`


class Identity(NamedTuple):
    """The ``hello`` of a host."""

    host: HostInfo
    stream: str
    interval_seconds: float
    site: str = ""
    tags: tuple[str, ...] = ()
    alerts: Alerts = UNKNOWN


class Vitals(NamedTuple):
    """The vitals of one tick. ``numbers`` are in the order of FIELDS; None: unknown."""

    stream: str
    seq: int
    time_unix: float
    numbers: tuple[float | None, ...]


class Want(NamedTuple):
    """Full samples of the default sections and of these on-demand ones.

    First those after ``since`` of the run ``stream``, as far as the host remembers them.
    """

    sections: frozenset[str] = frozenset()
    since: int = 0
    stream: str | None = None


# Why something that was received was discarded.
Dropped = Literal["invalid", "foreign host", "too many"]

Link = Literal["up", "down", "unknown"]


class Report(Protocol):
    """What a remote reports to, from any of its threads. No method waits for a network."""

    def identified(self, identity: Identity) -> bool:
        """Note the ``hello``. Return False if this host must not be read, because it is watched already."""

    def vitals(self, text: str, parse: Callable[[str], Vitals | None]) -> None:
        """Note a message with vitals. ``parse(text)`` is called later, on another thread, and may raise ReceivedError.

        The messages of a second are decoded together: one by one, between other work, each takes four times as long.
        """

    def samples(self, samples: Sequence[ReceivedSample], *, is_complete: bool) -> None:
        """Note full samples in rising order. ``is_complete``: the host has no more of them for the last ``watch``."""

    def alerts(self, text: str, parse: Callable[[str], Alerts | None]) -> None:
        """Note a message with all alerts of the host that fire. Of those that come within a second, the last counts.

        ``parse(text)`` is called later, and may raise ReceivedError. None: the message is not of the present run.
        """

    def ended(self, state: Literal["gone", "lost"], stream: str) -> None:
        """Note that the run has ended: the host stopped ("gone"), or its broker lost it ("lost")."""

    def failed(self, reason: str, *, is_incompatible: bool = False) -> None:
        """Note why there are no data: one sentence. An incompatible host answers, but not as this protocol requires."""

    def dropped(self, why: Dropped) -> None: ...

    @property
    def is_sending(self) -> bool:
        """Whether data come from the host now, also from a duplicate that is read."""


class Remote(Protocol):
    """One other host. Any thread may call any method, and only ``join`` waits.

    ``key`` stands for the host until its own id is known. ``is_discovered`` is false if the user named the host: such a
    host is not forgotten.
    """

    key: str
    is_discovered: bool

    def start(self, report: Report) -> None:
        """Begin to deliver vitals. Raises ThreadUnavailableError."""

    def watch(self, want: Want) -> None:
        """Deliver full samples too. A new call replaces the last one: it fills a gap, or changes the sections."""

    def unwatch(self) -> None:
        """Deliver vitals only."""

    def identify_again(self) -> None:
        """Report the ``hello`` again, as soon as the host sends something: the last one was refused."""

    def link(self, since: float) -> Link:
        """Whether our own link has worked after ``since`` (monotonic seconds), whatever happened to the host."""

    def close(self) -> None:
        """Stop. Safe to repeat, and before ``start``."""

    def join(self, deadline: float) -> None:
        """Wait for its threads after ``close``, until ``deadline`` (monotonic seconds). This method may wait."""


def identity_of(message: Any) -> Identity:
    """Check a decoded ``hello``. Raises ReceivedError; IncompatibleError if it is one of another protocol."""
    if not isinstance(message, dict) or message.get("type") != "hello":
        raise ReceivedError("is not a hello")
    if message.get("protocol") != PROTOCOL:
        raise IncompatibleError(f"The host has another version of the protocol than {PROTOCOL}")
    host = message.get("host")
    interval = maybe_number(message.get("interval_seconds"))
    if not isinstance(host, dict) or interval is None:
        raise ReceivedError("has no host or no interval")
    cores = host.get("cores")
    host_id = checked_id(host.get("id"))
    tags = message.get("tags")
    return Identity(
        host=HostInfo(
            id=host_id,
            name=maybe_text(host.get("name")) or host_id,
            kernel=maybe_text(host.get("kernel")) or "",
            cpu_model=maybe_text(host.get("cpu_model")),
            cores=cores if type(cores) is int and 0 < cores < 1_000_000 else None,
            os=maybe_text(host.get("os")),
        ),
        stream=checked_id(message.get("stream")),
        interval_seconds=min(max(interval, 0.1), MAX_INTERVAL_SECONDS),
        site=maybe_text(message.get("site")) or "",
        tags=tuple(filter(None, map(maybe_text, tags[:MAX_TAGS]))) if type(tags) is list else (),
        alerts=alerts_of(message),
    )


def maybe_vitals(text: str, host: str) -> Vitals | None:
    """Decode a sample with the section vitals. Return None if it is another message, or has no vitals yet.

    Raises ReceivedError, and ForeignHostError if the sample is not of ``host``, the id in the ``hello``.
    """
    if len(text) > MAX_VITALS_CHARACTERS:
        raise ReceivedError("is too long")
    message = decode(text)
    if not isinstance(message, dict):
        raise ReceivedError("is not an object")
    if message.get("type") != "sample":
        return None  # a message of an embedding program
    if message.get("host") != host:
        raise ForeignHostError("is of another host")
    if "vitals" not in message:  # the newest sample, from before vitals were requested
        return None
    time_unix = maybe_number(message.get("time_unix"))
    section = message["vitals"]
    if time_unix is None or not isinstance(section, dict):
        raise ReceivedError("has no time, or vitals of a wrong form")
    return Vitals(
        checked_id(message.get("stream")),
        checked_seq(message.get("seq")),
        time_unix,
        numbers_of(section),
    )


def numbers_of(section: Mapping[str, Any]) -> tuple[float | None, ...]:
    """Return the known fields of the section. What is not a finite number is unknown."""
    # Usually all are present and known: this runs for each host every second.
    try:
        values: tuple[Any, ...] = _values_of(section)
    except KeyError:
        values = tuple([section.get(name) for name in FIELDS])
    if KNOWN.issuperset(map(type, values)):
        numbers = [value for value in values if value is not None]
        if not numbers or (min(numbers) > -MOST and max(numbers) < MOST):
            return values
    return tuple(
        [value if type(value) in NUMBERS and -MOST < value < MOST else None for value in values]
    )


def maybe_text(value: object) -> str | None:
    """Return a text that may be shown: escaped, cut, and without space at its ends. None if it is none or empty."""
    if not isinstance(value, str):
        return None
    return escaped(value[:MAX_TEXT_CHARACTERS]).strip()[:MAX_TEXT_CHARACTERS] or None


class ForeignHostError(ReceivedError):
    """A message that is not of the host of its connection."""


class IncompatibleError(Exception):
    """The host answers, but cannot be watched: one sentence with the reason."""
