"""The payloads of MQTT messages. What arrives is hostile: it is limited in size, and every value is checked.

All functions are pure.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, NoReturn

from ..metrics.nesting import check_nesting
from ..stream import to_json
from .topics import LEVEL

MAX_REQUEST_BYTES = 4096
MAX_SECTIONS = 32
MAX_SECTION_CHARACTERS = 64
MAX_LEASE_SECONDS = 60.0
MAX_HISTORY_SECONDS = 86_400.0
MAX_SEQ = 2**63 - 1
LEVEL_OF_COMPRESSION = 1  # higher ones save 3 % and cost twice as much

State = Literal["live", "gone", "lost"]
STATES: tuple[State, ...] = ("live", "gone", "lost")


class MessageError(Exception):
    """A payload that is not valid. The reason is what follows "it", such as "is not JSON"."""


class HostState(NamedTuple):
    """What the topic ``state`` holds: the state of a run."""

    state: State
    stream: str


class Want(NamedTuple):
    """A lease: the front end wants ``sample``, and in it these on-demand sections, for so many seconds."""

    front: str
    sections: frozenset[str]
    seconds: float


class Ask(NamedTuple):
    """A request for remembered samples: those after ``since`` in the run ``stream``, of the last ``seconds``."""

    front: str
    stream: str | None
    since: int
    seconds: float | None


def hello(message: Mapping[str, Any]) -> bytes:
    """Return the payload of ``hello``: that of the stream without what belongs to one viewer, or changes."""
    left_out = ("every", "sections", "user", "alerts", "omitted_alerts")
    return to_json({name: value for name, value in message.items() if name not in left_out})


def state(name: State, stream: str) -> bytes:
    """Return the payload of ``state``."""
    return to_json({"state": name, "stream": stream})


def vitals(sample: Mapping[str, Any]) -> bytes:
    """Return the payload of ``vitals``, at most 256 bytes: its fields beside stream, seq and time."""
    head = {name: sample[name] for name in ("stream", "seq", "time_unix")}
    return to_json({**head, **sample["vitals"]})


def alerts(stream: str, time_unix: float | None, known: Mapping[str, Any]) -> bytes:
    """Return the payload of ``alerts``: all that fire, and the number of those that are left out."""
    return to_json({"stream": stream, "time_unix": time_unix, **known})


def compressed(text: bytes) -> bytes:
    """Return the payload of ``sample``."""
    return zlib.compress(text, LEVEL_OF_COMPRESSION)


def want(front: str, sections: Iterable[str], seconds: float) -> bytes:
    """Return the payload of ``want``."""
    return to_json({"front": front, "sections": sorted(sections), "seconds": seconds})


def ask(front: str, stream: str | None, since: int, seconds: float) -> bytes:
    """Return the payload of ``ask``."""
    return to_json({"front": front, "stream": stream, "since": since, "seconds": seconds})


def parse_state(payload: bytes) -> HostState:
    """Return a state. Raises MessageError."""
    message = _object(payload)
    found, stream = message.get("state"), _maybe_name(message, "stream")
    if found not in STATES or stream is None:
        raise MessageError("has no state or no stream")
    return HostState(found, stream)


def parse_want(payload: bytes) -> Want:
    """Return a lease, of at most MAX_LEASE_SECONDS. Raises MessageError."""
    message = _object(payload)
    sections = message.get("sections", [])
    if not isinstance(sections, list) or len(sections) > MAX_SECTIONS:
        raise MessageError(f"has sections that are not a list of at most {MAX_SECTIONS} names")
    if not all(isinstance(name, str) and len(name) <= MAX_SECTION_CHARACTERS for name in sections):
        raise MessageError("has sections that are not names")
    seconds = _number(message, "seconds", MAX_LEASE_SECONDS)
    if seconds is None:
        raise MessageError("has no seconds")
    return Want(_front(message), frozenset(sections), seconds)


def parse_ask(payload: bytes) -> Ask:
    """Return a request for history. Raises MessageError."""
    message = _object(payload)
    stream, since = _maybe_name(message, "stream"), message.get("since", 0)
    if type(since) is not int or not 0 <= since <= MAX_SEQ:
        raise MessageError("has a since that is negative or no whole number")
    return Ask(_front(message), stream, since, _number(message, "seconds", MAX_HISTORY_SECONDS))


def _object(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_REQUEST_BYTES:
        raise MessageError(f"is larger than {MAX_REQUEST_BYTES} bytes")
    try:
        check_nesting(payload)
        message = json.loads(payload, parse_constant=_refuse)
    # UnicodeDecodeError and JSONDecodeError are ValueErrors. RecursionError: nested too deep.
    except (ValueError, RecursionError):
        raise MessageError("is not JSON") from None
    if not isinstance(message, dict):
        raise MessageError("is not an object")
    return message


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _front(message: Mapping[str, Any]) -> str:
    """Return the id of the front end, which becomes a part of a topic."""
    front = _maybe_name(message, "front")
    if front is None:
        raise MessageError("has no front")
    return front


def _maybe_name(message: Mapping[str, Any], name: str) -> str | None:
    """Return an id, or None if there is none. Raises MessageError."""
    value = message.get(name)
    if value is None or (isinstance(value, str) and LEVEL.fullmatch(value)):
        return value
    raise MessageError(f"has a {name} of other than 1 to 64 letters, digits and . _ -")


def _number(message: Mapping[str, Any], name: str, most: float) -> float | None:
    """Return a number that is not negative, at most ``most``; None if there is none. Raises MessageError."""
    value = message.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise MessageError(f"has {name} that are negative or no number")
    return float(min(value, most))
