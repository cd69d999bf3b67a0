"""A feed: the stream of one host. It numbers each sample, remembers the last ones, encodes each once, broadcasts it.

Strategy. A sample is encoded when it is published (encoded.py). The hub's thread joins its sections once for each
distinct choice (audience.py). The write pump of a joining viewer reads the history from the ring, piece by piece, as
the socket drains. So neither a slow viewer nor a long history costs the publisher time or memory. On-demand sections
are not remembered.

A feed does not depend on WebSocket: a ``Framing`` turns text into the bytes on the wire.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from ..hub import Client, Hub
from ..metrics.sample import Sample
from ..metrics.sources.host import HostInfo
from ..metrics.sources.process_list import ProcessList
from .alerts import KnownAlerts
from .audience import Audience
from .choice import Choice, Resume
from .demand import Demand
from .encoded import EncodedSample, encode, to_json
from .history import pieces
from .ring import Entry, HistoryLimits, Ring

if TYPE_CHECKING:
    from .received import ReceivedSample

log = logging.getLogger(__name__)

PROTOCOL = 1


class _Numbered(NamedTuple):
    """A sample to publish. Without the run and the number of another program, it gets the next number."""

    fields: bytes
    encoded: EncodedSample
    stream: str | None = None
    seq: int = 0
    age_seconds: float = 0.0


class Feed:
    """One host's stream: its identity, the id of the run, sequence number, ring and newest sample.

    Any thread may call any method. The lock guards ``id``, the ring, and what is known of alerts. It makes numbering,
    remembering, broadcasting and joining one step each, so that the history and the live samples of a viewer meet
    without a gap or a duplicate.

    ``section_names`` are all sections that a sample of this host may have. ``demand`` is what viewers want of it,
    and ``audience`` are those that are connected now. ``on_first_sample`` is called on the publishing thread after the
    first sample of a run. ``hello`` are the fields of the message ``hello`` that its owner adds.
    """

    def __init__(
        self,
        hub: Hub,
        host: HostInfo,
        *,
        hello: Mapping[str, object],
        history: HistoryLimits,
        section_names: Collection[str],
        demand: Demand,
        on_first_sample: Callable[[], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self.id = os.urandom(16).hex()  # the run; a seq has no meaning in another one
        self.section_names = tuple(section_names)
        self.demand = demand
        self.audience = Audience(hub, host.id)
        self._hub = hub
        self._hello = {
            "type": "hello",
            "protocol": PROTOCOL,
            **hello,
            "host": asdict(host),
            "interval_seconds": demand.normal_interval_seconds,
        }
        self._limits = history
        self._on_first_sample = on_first_sample
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._published = threading.Condition(self._lock)
        self._ring = Ring(history, monotonic)
        self._newest: Sample | None = None
        self._has_begun = False  # this run has a sample
        # All processes of the host, for requests; None if this program does not sample it.
        self.all_processes: ProcessList | None = None
        self._alerts = KnownAlerts(host.id)

    @property
    def seq(self) -> int:
        """The number of the newest sample; the first one is 1, and 0 means that there is none."""
        latest = self._ring.latest
        return latest.seq if latest else 0

    def begin_run(self, stream: str) -> None:
        """Begin the run of another program with this id, if it is not the present one, before its first sample."""
        with self._lock:
            if stream != self.id:
                self._start_run_locked(stream)

    def publish(self, sample: Sample) -> int:
        """Number, remember and broadcast ``sample``; return its ``seq``. Never waits for a viewer.

        A section without a JSON form (of an embedding program) is left out, and its source gets the state ``failed``.
        """
        return self._publish([_Numbered(_fields(sample), encode(sample))], sample)

    def publish_as(self, stream: str, seq: int, sample: Sample) -> bool:
        """Publish ``sample`` under the run id and number that another program gave to it.

        Return False, and discard the sample, if this run has it or a newer one already. A jump in ``seq`` stays visible
        as a gap. Another run starts anew: the ring is emptied, and the viewers are closed with 1001, because their
        ``hello`` and their numbers have no meaning there. They reconnect and resume, as they do when a program is
        restarted.
        """
        numbered = _Numbered(_fields(sample), encode(sample), stream, seq)
        return self._publish([numbered], sample) > 0

    def publish_received(self, samples: Iterable[tuple[ReceivedSample, float]]) -> bool:
        """Publish samples as another program sent them, with their texts unchanged: see ``publish_as``.

        The second of each pair is how many seconds ago it was taken. Return False if this run has them all.
        """
        numbered = [
            _Numbered(sample.fields, sample.encoded, sample.stream, sample.seq, age_seconds)
            for sample, age_seconds in samples
        ]
        return self._publish(numbered) > 0

    def _publish(self, samples: Iterable[_Numbered], newest: Sample | None = None) -> int:
        """Remember and broadcast the samples that are new. Return the number of the last one, or 0 if none is."""
        entries: list[Entry] = []
        with self._lock:
            for sample in samples:
                if sample.stream not in (None, self.id):
                    self._start_run_locked(sample.stream)
                    entries.clear()  # as its ring
                seq = self.seq + 1 if sample.stream is None else sample.seq
                if seq > self.seq:
                    head = self._head_locked(seq) + sample.fields
                    entries.append(self._ring.add(seq, head, sample.encoded, sample.age_seconds))
            if not entries:
                return 0
            is_first, self._has_begun = not self._has_begun, True
            self._newest = newest
            self._published.notify_all()
            self.audience.broadcast_samples(entries, self._ring)
        if is_first:
            self._begin(entries[0])
        return entries[-1].seq

    def _head_locked(self, seq: int) -> bytes:
        """Return the begin of a sample message, up to its host."""
        return (
            f'{{"type":"sample","stream":"{self.id}","seq":{seq},"host":{json.dumps(self.host.id)}'
        ).encode()

    def _begin(self, first: Entry) -> None:
        """Log if the ring will be full before it has ``history_seconds``, and report the first sample of a run."""
        seconds = self._limits.bytes // len(first) * self.demand.normal_interval_seconds
        if seconds < self._limits.seconds:
            log.warning(
                "The history of %s is limited by memory to about %.0f s instead of %.0f s (see max_history_bytes)",
                self.host.name,
                seconds,
                self._limits.seconds,
            )
        self._on_first_sample()

    def _start_run_locked(self, stream: str) -> None:
        self.id = stream
        self._ring.clear()  # it may still be read
        self._ring = Ring(self._limits, self._monotonic)
        self._newest = None
        self._has_begun = False
        self.audience.close()

    def publish_alerts(
        self,
        time_unix: float | None,
        firing: Sequence[Mapping[str, Any]],
        resolved: Sequence[Mapping[str, Any]] = (),
        omitted: int = 0,
    ) -> None:
        """Broadcast the alerts that fire now and those that have just resolved. Each ``hello`` has the firing ones.

        ``time_unix`` is that of the sample that they were found in, None if it is unknown. ``omitted`` is the number of
        firing alerts that are left out. Nothing is sent before the first alert, except once if a viewer has joined
        before it was known that none fires.
        """
        with self._lock:
            text = self._alerts.maybe_message(time_unix, firing, resolved, omitted)
            if text is not None:
                self.audience.broadcast(text)

    @property
    def alerts(self) -> Mapping[str, Any]:
        """The fields ``alerts`` and ``omitted_alerts``, as in ``hello``."""
        return self._alerts.fields

    @property
    def alerts_time_unix(self) -> float | None:
        """The time of the sample that the alerts were found in, None if it is unknown."""
        return self._alerts.time_unix

    def join(self, client: Client, resume: Resume | None, user: str | None = None) -> bool:
        """Register ``client``, whose topic is a Choice of this host, and queue its first messages.

        These are ``hello`` and then a ``history`` of the samples that ``resume`` selects, or the newest sample if
        ``resume`` is None. ``hello`` contains ``user``, the name of the token. Return False if the hub is closed.
        """
        choice = client.topic
        if not isinstance(choice, Choice) or choice.host != self.host.id:
            raise TypeError(f"the client's topic {choice!r} is not a Choice of {self.host.id}")
        with self._lock:
            latest = self._ring.latest
            selected = self._ring.select(resume, choice.every, self.id) if resume else None
            hello: dict[str, Any] = {
                **self._hello,
                **self._alerts.hello(),
                "stream": self.id,
                "seq": latest.seq if latest else 0,
                "every": choice.every,
                "sections": choice.sections,
                "user": user,
            }
            client.queue_first(_opening(hello, choice, latest, selected))
            return self._hub.register(client)

    def maybe_latest(self, sections: tuple[str, ...] | None = None) -> bytes | None:
        """The newest sample as a ``sample`` message, or None before the first."""
        latest = self._ring.latest
        return latest.text(sections) if latest else None

    def maybe_newest(self) -> Sample | None:
        """The newest sample as it was published, or None before the first."""
        return self._newest

    def has(self, sections: Collection[str]) -> bool:
        """Whether the newest sample was taken with the sources of all these sections."""
        latest = self._ring.latest
        return latest is not None and all(latest.sample.has(name) for name in sections)

    def wait_newer(self, seq: int, sections: Collection[str], timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for a sample after ``seq`` that has all these sections."""
        with self._published:
            return self._published.wait_for(lambda: self.seq > seq and self.has(sections), timeout)

    def history(
        self,
        resume: Resume,
        sections: tuple[str, ...] | None = None,
        *,
        every: int = 1,
        brief: bool = False,
    ) -> Iterator[bytes]:
        """Return the ``history`` message in pieces. ``brief``: see ``EncodedSample.brief_parts``."""
        with self._lock:
            selected = self._ring.select(resume, every, self.id)
        return pieces(selected, sections, brief=brief)


def _fields(sample: Sample) -> bytes:
    """Return the fields of a sample message between its host and its sections."""
    return (
        f',"time_unix":{json.dumps(sample.time_unix)}'
        f',"uptime_seconds":{json.dumps(sample.uptime_seconds)}'
        f',"interval_seconds":{json.dumps(sample.interval_seconds)}'
    ).encode()


def _opening(
    hello: dict[str, Any],
    choice: Choice,
    latest: Entry | None,
    selected: Iterator[Entry] | None,
) -> Iterator[bytes]:
    """Yield a viewer's first frames one by one, as it takes them. Runs on its write pump."""
    yield choice.framing.message(to_json(hello))
    if selected is not None:
        yield from choice.framing.pieces(pieces(selected, choice.sections))
    elif latest is not None:
        yield choice.framing.message(latest.text(choice.sections))
