"""A ``sample`` message of another program, cut into the texts of its sections, which are passed on as they are.

Strategy. A front end repeats the samples of other hosts. If it decoded and encoded them again, it would cost three
times as much, and a number could change its form. So the message is only cut: the scanner of the json module finds the
end of each value, and thereby checks that it is JSON, and the text between stays as it was received.

Everything here comes from the network. A text that is not a sample of this protocol raises ReceivedError; nothing of it
is used. While a text is parsed, no other thread runs, so one that would take long is refused before: what takes long
is not bytes but values, of which a list of empty lists has one in three bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # of C, if there is one
from typing import Any, NoReturn

from ..metrics.nesting import check_nesting
from ..metrics.sample import RESERVED, is_source_name
from .encoded import EncodedSample

# The ids of runs and hosts: what this program makes, and what another one may choose. Both become parts of URLs, logs
# and JSON without quoting.
ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
MAX_SECTIONS = 128
MAX_SEQ = 2**63 - 1
# Of one message. A sample of 256 cores, 200 disks and 2000 processes has a quarter of it: half a MiB.
MAX_COST = 2 * 1024 * 1024
COST_OF_VALUE = 20  # bytes for each value in a usual sample
CHEAP_CHARACTERS = 1024  # with nothing but brackets, they take no time, and are not too deep
MAX_HISTORY_SAMPLES = 864_000  # a day at the shortest interval

_HISTORY = '{"type":"history","samples":['
_SAMPLE = '{"type":"sample","stream":'  # the begin of each sample in a history
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


def cost(text: str) -> int:
    """Return the length of a usual JSON text that takes as long to parse as this one, which may have more values."""
    return max(len(text), COST_OF_VALUE * sum(map(text.count, "[{,")))


def _require_cheap(text: str) -> None:
    if cost(text) > MAX_COST:
        raise ReceivedError("has too many values")
    try:
        check_nesting(text)
    except ValueError as error:
        raise ReceivedError(str(error)) from None


def decode(text: str) -> Any:
    """Return the value of a JSON text. Raises ReceivedError."""
    if len(text) > CHEAP_CHARACTERS:
        _require_cheap(text)
    try:
        if text.startswith("{"):  # as usual: then there is no space to look for
            value, end = _decoder.raw_decode(text)
            if end == len(text):
                return value
        return _decoder.decode(text)
    except ReceivedError:
        raise
    except (ValueError, RecursionError):
        raise ReceivedError("is not JSON") from None


def cut(text: str, on_demand: frozenset[str]) -> tuple[ReceivedSample, int]:
    """Cut the sample message that begins the text, and return it with the position of its end.

    ``on_demand`` are the names of the sections that a feed does not remember. Raises ReceivedError.
    """
    _require_cheap(text)
    try:
        members, end = _members(text, 0)
        return _sample(text, members, on_demand), end
    except ReceivedError:
        raise
    except (ValueError, IndexError, RecursionError):
        raise ReceivedError("is not JSON") from None


def cut_history(
    text: str, on_demand: frozenset[str], max_samples: int = MAX_HISTORY_SAMPLES
) -> list[ReceivedSample]:
    """Return the samples of a ``history`` message, at most so many. Raises ReceivedError.

    It is divided before it is parsed, so that each sample costs no more than a message of its own.
    """
    if not text.startswith(_HISTORY) or not text.endswith("]}"):
        raise ReceivedError("is not a history")
    if text.count(_SAMPLE) > max_samples:
        raise ReceivedError("has too many samples")
    samples: list[ReceivedSample] = []
    position, last = len(_HISTORY), len(text) - len("]}")
    while position < last:
        end = text.find("," + _SAMPLE, position, last)
        piece = text[position : end if end >= 0 else last]
        sample, length = cut(piece, on_demand)
        if length != len(piece):
            raise ReceivedError("has something between its samples")
        samples.append(sample)
        position += length + 1
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
    if len(names) + len(states) > MAX_SECTIONS or not all(map(is_source_name, (*names, *states))):
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
