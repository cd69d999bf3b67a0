"""The live stream: numbers each sample, remembers the last ones, encodes it once, broadcasts it.

Strategy. A sample is encoded once, when it is published (encoded.py); what a viewer has chosen of it is joined once per
distinct choice and tick. Joining a viewer takes a snapshot of the ring (a few microseconds) under the lock; its history
is joined piece by piece on the viewer's own write pump, as its socket drains, so that neither a slow nor a greedy
viewer costs the publisher time or memory. The dear sections are not remembered.

It takes samples from whoever publishes them and speaks no WebSocket: a ``Framing`` turns text into bytes on the wire.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from ..hub import Client, Hub
from ..metrics.sample import Sample
from ..metrics.sources.host import HostInfo
from .encoded import EncodedSample, encode

log = logging.getLogger(__name__)

PROTOCOL = 1
OWN_TYPES = ("hello", "history", "sample")

# A history goes out in such pieces, so that a viewer that takes it slowly holds no more of it in memory.
PIECE_BYTES = 64 * 1024


class Framing(NamedTuple):
    """How text becomes bytes on the wire: one whole message, and a long one given in pieces."""

    message: Callable[[bytes], bytes]
    pieces: Callable[[Iterable[bytes]], Iterator[bytes]]


class Choice(NamedTuple):
    """What a viewer wants: these sections of each ``every``-th sample. The topic of its client.

    None is all sections but the dear ones (metrics.sources.DEAR), which only come to whoever names them.
    """

    framing: Framing
    sections: tuple[str, ...] | None = None
    every: int = 1


class Resume(NamedTuple):
    """Which remembered samples a viewer wants first."""

    history_seconds: float | None = None  # those of the last seconds; None: no limit
    since: int = 0  # those with a higher seq, if they are of the run ``stream`` or it is not said
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A published sample: what the stream adds to it, and its texts."""

    seq: int
    published_at: float  # monotonic seconds
    head: bytes
    sample: EncodedSample

    def text(self, chosen: tuple[str, ...] | None) -> bytes:
        """The ``sample`` message for this choice of sections."""
        return self.sample.message(self.head, chosen)


class Stream:
    """Publishes samples to the clients of ``hub``.

    All methods may be called from any thread. The lock guards ``seq`` and the ring, and makes numbering, remembering,
    broadcasting and joining one step each, so that a viewer's history and its live samples meet exactly.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        host: HostInfo,
        version: str,
        interval_seconds: float,
        history_seconds: float,
    ) -> None:
        self.id = os.urandom(16).hex()  # of this run: another run's seq means nothing here
        self._hub = hub
        self._hello = {
            "type": "hello",
            "protocol": PROTOCOL,
            "version": version,
            "host": asdict(host),
            "stream": self.id,
            "interval_seconds": interval_seconds,
        }
        self._history_seconds = history_seconds
        self._lock = threading.Lock()
        self._published = threading.Condition(self._lock)
        self._ring: deque[_Entry] = deque()
        self._latest: _Entry | None = None
        self._newest: Sample | None = None

    @property
    def seq(self) -> int:
        """The newest sample's number; samples count from 1."""
        latest = self._latest
        return latest.seq if latest else 0

    def publish(self, sample: Sample) -> int:
        """Number, remember and broadcast ``sample``; return its ``seq``. Never waits for a viewer.

        A section that is no JSON (an embedding program's own) is left out, and its source said to have failed.
        """
        encoded = encode(sample)
        about = (
            f'"host":{json.dumps(sample.host)},"time_unix":{json.dumps(sample.time_unix)}'
            f',"uptime_seconds":{json.dumps(sample.uptime_seconds)}'
            f',"interval_seconds":{json.dumps(sample.interval_seconds)}'
        )
        with self._lock:
            now = time.monotonic()
            seq = self.seq + 1
            head = f'{{"type":"sample","stream":"{self.id}","seq":{seq},{about}'.encode()
            entry = _Entry(seq, now, head, encoded)
            self._latest, self._newest = entry, sample
            self._ring.append(replace(entry, sample=encoded.without_dear()))
            while self._ring and self._ring[0].published_at < now - self._history_seconds:
                self._ring.popleft()
            self._broadcast_locked(entry)
            self._published.notify_all()
        return seq

    def _broadcast_locked(self, entry: _Entry) -> None:
        texts: dict[tuple[str, ...] | None, bytes] = {}
        for topic in self._hub.topics():
            if not isinstance(topic, Choice) or entry.seq % topic.every:
                continue
            if topic.sections not in texts:
                texts[topic.sections] = entry.text(topic.sections)
            self._hub.broadcast(topic.framing.message(texts[topic.sections]), topic)

    def broadcast(self, type: str, /, **fields: Any) -> None:  # noqa: A002  # the wire's own word
        """Send every viewer a message of an embedding program's own, ``{"type": type, **fields}``.

        It has no ``seq`` and is not remembered. Raises ValueError for the stream's own types and for what is no JSON.
        """
        if "type" in fields:
            raise ValueError("a message has one type, and it is given already")
        if type in OWN_TYPES:
            raise ValueError(
                f"type {type!r} is the stream's own; not one of {', '.join(OWN_TYPES)}"
            )
        text = to_json({"type": type, **fields})
        for topic in self._hub.topics():
            if isinstance(topic, Choice):
                self._hub.broadcast(topic.framing.message(text), topic)

    def join(self, client: Client, resume: Resume | None, user: str | None = None) -> bool:
        """Register ``client``, whose topic is a Choice, and owe it ``hello`` and what came before.

        That is a ``history`` of the samples asked for in ``resume``, or without one the newest sample.
        ``user`` is the name of the token that has let it in, which ``hello`` says. False if the hub is closed.
        """
        choice = client.topic
        if not isinstance(choice, Choice):
            raise TypeError(f"the client's topic is {choice!r}, not a Choice")
        with self._lock:
            latest = self._latest
            entries = tuple(self._ring) if resume else ()
            client.owe(self._opening(choice, user, resume, latest, entries))
            return self._hub.register(client)

    def _opening(
        self,
        choice: Choice,
        user: str | None,
        resume: Resume | None,
        latest: _Entry | None,
        entries: tuple[_Entry, ...],
    ) -> Iterator[bytes]:
        """Yield frames one by one, as the viewer takes them. Runs on its write pump."""
        hello = {
            **self._hello,
            "seq": latest.seq if latest else 0,
            "every": choice.every,
            "sections": choice.sections,
            "user": user,
        }
        yield choice.framing.message(to_json(hello))
        if resume is not None:
            wanted = self._select(entries, resume, choice.every)
            yield from choice.framing.pieces(_history(wanted, choice.sections))
        elif latest is not None:
            yield choice.framing.message(latest.text(choice.sections))

    def maybe_latest(self, sections: tuple[str, ...] | None = None) -> bytes | None:
        """The newest sample as a ``sample`` message, or None before the first."""
        latest = self._latest
        return latest.text(sections) if latest else None

    def maybe_newest(self) -> Sample | None:
        """The newest sample as it was published, or None before the first."""
        return self._newest

    def lacks(self, sections: Collection[str]) -> bool:
        """Whether one of these sections was not collected for the newest sample."""
        latest = self._latest
        return latest is None or not all(latest.sample.has(name) for name in sections)

    def wait_newer(self, seq: int, sections: Collection[str], timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for a sample after ``seq`` for which all these were collected."""
        with self._published:
            return self._published.wait_for(
                lambda: self.seq > seq and not self.lacks(sections), timeout
            )

    def watched(self) -> set[tuple[str, ...] | None]:
        """The choices of sections that somebody is watching now."""
        return {topic.sections for topic in self._hub.topics() if isinstance(topic, Choice)}

    def history(self, resume: Resume, sections: tuple[str, ...] | None = None) -> Iterator[bytes]:
        """The ``history`` message, in pieces."""
        with self._lock:
            entries = tuple(self._ring)
        return _history(self._select(entries, resume, 1), sections)

    def _select(self, entries: tuple[_Entry, ...], resume: Resume, every: int) -> Iterator[_Entry]:
        since = resume.since if resume.stream in (None, self.id) else 0
        oldest = -1.0
        if resume.history_seconds is not None and entries:
            oldest = entries[-1].published_at - resume.history_seconds
        return (
            entry
            for entry in entries
            if entry.seq > since and entry.published_at > oldest and entry.seq % every == 0
        )


def _history(entries: Iterable[_Entry], sections: tuple[str, ...] | None) -> Iterator[bytes]:
    """The ``history`` message in pieces of at least 64 KiB, but for the last."""
    held, size = [b'{"type":"history","samples":['], 0
    separator = b""
    for entry in entries:
        text = entry.text(sections)
        held += (separator, text)
        separator = b","
        size += len(text)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join((*held, b"]}"))


def to_json(value: object) -> bytes:
    """Compact JSON; ValueError for NaN, infinities and what JSON has no form for."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return text.encode(errors="replace")
