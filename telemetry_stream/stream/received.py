"""A ``sample`` message of another program, cut into the texts of its sections, which are passed on as they are.

Strategy. A front end repeats the samples of other hosts. If it decoded and encoded them again, it would cost three
times as much, and a number could change its form. So the message is only cut: the scanner of the json module finds the
end of each value, and thereby checks that it is JSON, and the text between stays as it was received.

Everything here comes from the network. A text that is not a sample of this protocol raises ReceivedError; nothing of it
is used.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # of C, if there is one
from typing import Any, NoReturn

from ..metrics.sample import RESERVED
from .encoded import EncodedSample

# The ids of runs and hosts: what this program makes, and what another one may choose. Both become parts of URLs, logs
# and JSON without quoting.
ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
MAX_SECTIONS = 128
MAX_NAME_CHARACTERS = 64
MAX_SEQ = 2**63 - 1

_SPACE = re.compile(r"[ \t\n\r]*")


class ReceivedError(ValueError):
    """The text is not a message of this protocol. The reason contains nothing of the text."""


@dataclass(frozen=True, slots=True)
class ReceivedSample:
    """A sample of another program: the numbers that it gave, and its texts."""

    stream: str
    seq: int
    host: str
    time_unix: float
    uptime_seconds: float | None
    fields: bytes  # those that follow ``host`` in the message
    encoded: EncodedSample


def _refuse(_: str) -> NoReturn:
    raise ReceivedError("has a number that is not finite")


_decoder = json.JSONDecoder(parse_constant=_refuse)


def decode(text: str) -> Any:
    """Return the value of a JSON text. Raises ReceivedError."""
    try:
        return _decoder.decode(text)
    except ReceivedError:
        raise
    except (ValueError, RecursionError):
        raise ReceivedError("is not JSON") from None


def cut(text: str, on_demand: frozenset[str], begin: int = 0) -> tuple[ReceivedSample, int]:
    """Cut the sample message that begins at ``begin``, and return it with the position of its end.

    ``on_demand`` are the names of the sections that a feed does not remember. Raises ReceivedError.
    """
    try:
        members, end = _members(text, begin)
        return _sample(text, members, on_demand), end
    except ReceivedError:
        raise
    except (ValueError, IndexError, RecursionError):
        raise ReceivedError("is not JSON") from None


def cut_history(text: str, on_demand: frozenset[str]) -> list[ReceivedSample]:
    """Return the samples of a ``history`` message. Raises ReceivedError."""
    head = '{"type":"history","samples":['
    if not text.startswith(head):
        raise ReceivedError("is not a history")
    samples: list[ReceivedSample] = []
    position = len(head)
    while text[position : position + 1] != "]":
        sample, position = cut(text, on_demand, position)
        samples.append(sample)
        if text[position : position + 1] == ",":
            position += 1
    if text[position:] != "]}":
        raise ReceivedError("has something after the history")
    return samples


Member = tuple[Any, int, int]  # a value, and where its text begins and ends


def _members(text: str, begin: int) -> tuple[dict[str, Member], int]:
    """Return the members of the JSON object at ``begin`` by name, and where it ends."""
    found: dict[str, Member] = {}
    position = _expect(text, begin, "{")
    if text[position] == "}":
        return found, position + 1
    while True:
        _expect(text, position, '"')
        name, position = scanstring(text, position + 1, True)
        value_begin = _expect(text, _space(text, position), ":")
        value, value_end = _decoder.raw_decode(text, value_begin)
        if name in found:
            raise ReceivedError("has a name twice")
        found[name] = value, value_begin, value_end
        position = _space(text, value_end)
        if text[position] == "}":
            return found, position + 1
        position = _expect(text, position, ",")


def _space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _expect(text: str, position: int, character: str) -> int:
    """Return the position behind ``character`` and the space that follows it."""
    if text[position] != character:
        raise ReceivedError("is not JSON")
    return _space(text, position + 1)


def _sample(text: str, members: dict[str, Member], on_demand: frozenset[str]) -> ReceivedSample:
    def value(name: str) -> Any:
        return members[name][0] if name in members else None

    if value("type") != "sample":
        raise ReceivedError("is not a sample")
    sources, sources_begin, _ = members.get("sources", (None, 0, 0))
    if not isinstance(sources, dict):
        raise ReceivedError("has no sources")
    states, _ = _members(text, sources_begin)
    names = [name for name in members if name not in RESERVED]
    if len(names) + len(states) > MAX_SECTIONS or not all(map(_is_name, (*names, *states))):
        raise ReceivedError("has too many sections, or names that no section can have")
    time_unix = maybe_number(value("time_unix"))
    if time_unix is None:
        raise ReceivedError("has no time")

    def member(name: str, of: dict[str, Member]) -> bytes:
        _, begin, end = of[name]
        return f"{json.dumps(name)}:{text[begin:end]}".encode()

    return ReceivedSample(
        stream=checked_id(value("stream")),
        seq=checked_seq(value("seq")),
        host=checked_id(value("host")),
        time_unix=time_unix,
        uptime_seconds=maybe_number(value("uptime_seconds")),
        fields=b"".join(
            b"," + member(name, members)
            for name in ("time_unix", "uptime_seconds", "interval_seconds")
            if name in members
        ),
        encoded=EncodedSample(
            {name: member(name, members) for name in names},
            {name: member(name, states) for name in states},
            on_demand,
        ),
    )


def _is_name(name: str) -> bool:
    """Whether a source may have this name, as for those of an embedding program (metrics/embedded.py)."""
    return 0 < len(name) <= MAX_NAME_CHARACTERS and name.isprintable() and "," not in name


def checked_id(value: object) -> str:
    """Return the id of a run or a host. Raises ReceivedError."""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise ReceivedError("has an id of a wrong form")
    return value


def checked_seq(value: object) -> int:
    """Return the number of a sample. Raises ReceivedError."""
    if type(value) is not int or not 0 < value <= MAX_SEQ:
        raise ReceivedError("has a seq that is not a positive number")
    return value


def maybe_number(value: object) -> float | None:
    """Return a finite number, or None for anything else."""
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None
    return number if abs(number) < 1e300 else None
