"""A line against invented servers: what each kind of failure means."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from telemetry_stream.fleet import line as line_module
from telemetry_stream.fleet.budget import CostBudget
from telemetry_stream.fleet.direct import DirectRemote, _FullLine
from telemetry_stream.fleet.line import failure_of, reason_of
from telemetry_stream.fleet.link import DirectLink
from telemetry_stream.fleet.mirror import ON_DEMAND
from telemetry_stream.fleet.remote import IncompatibleError, Want
from telemetry_stream.fleet.watchlist import parse
from telemetry_stream.net import backoff
from telemetry_stream.stream import HistoryLimits
from telemetry_stream.stream.received import ReceivedError, ReceivedSample
from telemetry_stream.websocket import frame
from telemetry_stream.websocket.outbound import OutboundError
from tests.fleet.reports import RecordingReport, message
from tests.fleet.test_remote import HELLO
from tests.stream.streaming import Clock

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class Scripted:
    """A server that sends what ``script(query)`` returns after the handshake, to each connection."""

    def __init__(self, script: Callable[[str], bytes], *, raw: bool = False) -> None:
        self._script = script
        self._raw = raw  # without a handshake
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._socks: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._socks.append(sock)
            try:
                self._answer(sock)
            except OSError:
                continue

    def _answer(self, sock: socket.socket) -> None:
        request = sock.recv(4096)
        if not request:  # the line was closed before it sent anything
            return
        query = request.split(b" ")[1].decode()
        answer = self._script(query)
        if not (self._raw or answer.startswith(b"HTTP/")):
            key = re.search(rb"(?i)sec-websocket-key: (\S+)", request)
            assert key
            accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())  # the RFC's
            sock.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        sock.sendall(answer)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)
        for sock in self._socks:
            sock.close()


@contextmanager
def scripted(
    script: Callable[[str], bytes],
    report: RecordingReport,
    *,
    raw: bool = False,
    link: DirectLink | None = None,
) -> Iterator[tuple[Scripted, DirectRemote]]:
    """A remote of such a server."""
    server = Scripted(script, raw=raw)
    server._thread.start()
    target = parse(server.url, None, "watch", allow_plain=False)
    link = link or DirectLink()
    remote = DirectRemote(1, target, link, HistoryLimits(600.0, 100_000))
    remote.start(report)
    try:
        yield server, remote
    finally:
        remote.close()
        server.close()


def texts(*messages: object) -> bytes:
    """Return the frames of these messages: objects, or texts as they are."""
    found = (one if isinstance(one, str) else json.dumps(one) for one in messages)
    return b"".join(frame.text(one.encode()) for one in found)


@pytest.mark.parametrize(
    ("status", "is_incompatible"),
    [
        (200, True),
        (301, True),
        (400, True),
        (401, True),
        (403, True),
        (404, True),
        (429, False),
        (502, False),
        (503, False),
    ],
)
def test_a_status_is_permanent_or_not(status: int, is_incompatible: bool) -> None:
    """A proxy answers 502 while its server is restarted. A redirect is not followed: it would get the token."""
    assert isinstance(failure_of(status), IncompatibleError) == is_incompatible
    assert str(status) in str(failure_of(status))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "No answer"),
        (IncompatibleError("Another protocol"), "Another protocol"),
        (ConnectionRefusedError(111, "connection refused"), "Connection refused"),
        (socket.gaierror(-2, "x"), "The name cannot be resolved"),
        (OutboundError("sends too much"), "The host sends too much"),
        (ReceivedError("is not JSON"), "The first message is not JSON"),
        (RuntimeError("secret"), "An error in this program; its log has the reason"),
    ],
)
def test_each_failure_is_one_sentence(error: Exception, reason: str) -> None:
    """For the overview."""
    assert reason_of(error) == reason


HOSTILE = {
    "not a hello": texts({"type": "sample"}),
    "not JSON": texts("{"),
    "deep": texts("[" * 60_000),
    "another protocol": texts({**HELLO, "protocol": 2}),
    "markup as id": texts({**HELLO, "host": {"id": "<img>"}}),
    "huge": frame.text(b"x" * 100_000),
    "binary": b"\x82\x01x",
    "close": frame.close(1011, "x"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_beginning_is_reported(name: str) -> None:
    """As incompatible, and nothing of it is used."""
    report = RecordingReport()
    with scripted(lambda _: HOSTILE[name], report):
        report.wait(lambda: report.failures)
    assert report.failures[0][1] is True
    assert (report.identities, report.all_vitals) == ([], [])


def test_another_program_is_reported() -> None:
    """Whatever it is."""
    for answer in (b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"):
        report = RecordingReport()
        with scripted(lambda _, answer=answer: answer, report, raw=True):  # type: ignore[misc]
            report.wait(lambda: report.failures)  # noqa: B023
        assert report.failures[0][1] is True


def test_broken_messages_are_dropped_one_by_one() -> None:
    """The good ones between them count. Messages of other types are ignored."""
    script = texts(
        HELLO,
        message(1, vitals={"cpu": 1}),
        "{",
        [1],
        {"type": "note"},
        message(2, host="host-2", vitals={"cpu": 2}),
        message(3, vitals=[]),
        message(4, vitals={"cpu": 4}),
    )
    report = RecordingReport()
    with scripted(lambda _: script, report):
        report.wait(lambda: len(report.all_vitals) == 2)
    assert [vitals.seq for vitals in report.all_vitals] == [1, 4]
    assert report.drops == ["invalid", "invalid", "foreign host", "invalid"]


def test_broken_samples_are_dropped_one_by_one() -> None:
    """As on the line for vitals."""
    history = (
        f'{{"type":"history","samples":[{message(1)},{message(2, host="host-2")},{message(3)}]}}'
    )
    script = texts(
        HELLO, history, '{"type":"sample"', '{"type":"note"}', message(4), '{"type":"history"}'
    )
    report = RecordingReport()
    with scripted(lambda query: texts(HELLO) if "vitals" in query else script, report) as (
        _,
        remote,
    ):
        remote.watch(Want())
        report.wait(lambda: len(report.drops) == 3)
    assert report.answers == [([1, 3], True), ([4], False)]
    assert sorted(report.drops) == ["foreign host", "invalid", "invalid"]


def requested_seconds(failure: bytes) -> list[str]:
    """Return how many seconds of the past are requested from a host whose first two answers are ``failure``."""
    queries: list[str] = []

    def script(query: str) -> bytes:
        if "vitals" in query:
            return texts(HELLO)
        queries.append(query)
        if len(queries) < 3:
            return failure
        return texts(HELLO, f'{{"type":"history","samples":[{message(1)}]}}')

    report = RecordingReport()
    with scripted(script, report) as (_, remote):
        remote.watch(Want())
        report.wait(lambda: report.answers)
    return [query.rpartition("=")[2] for query in queries[:3]]


def test_a_history_that_is_too_long_is_requested_in_half() -> None:
    """Until it fits: a host may remember more than we do."""
    too_long = texts(HELLO) + b"\x81\x7f" + (200_000).to_bytes(8, "big")
    assert requested_seconds(too_long) == ["600", "300", "150"]


@pytest.mark.parametrize("status", [401, 404, 503])
def test_after_another_failure_the_whole_history_is_requested(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy may answer so while its server is restarted."""
    monkeypatch.setattr(line_module, "SLOW_SECONDS", 0.05)
    refusal = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    assert requested_seconds(refusal) == ["600"] * 3


class Versions:
    """The script of a host that remembers a sample, and refuses what its version does not know."""

    def __init__(self, *known: str) -> None:
        self.known = {"cpu", *known}
        self.run = "run-1"
        self.queries: list[str] = []  # the sections in those for full samples

    def __call__(self, query: str) -> bytes:
        if query.endswith("sections=vitals"):
            return texts(HELLO)
        names = query.partition("sections=")[2].replace("%2C", ",")
        self.queries.append(names)
        named = names.split(",") if names else []
        if not self.known.issuperset(named):
            return b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"
        sections: dict[str, Any] = {one: {} for one in named or sorted(self.known - ON_DEMAND)}
        sample = message(len(self.queries), self.run, **sections)
        return texts({**HELLO, "stream": self.run}, f'{{"type":"history","samples":[{sample}]}}')

    def wait(self, report: RecordingReport, *queries: str) -> None:
        """Wait until the last one of these was answered. There must be no others since the last call."""
        report.wait(lambda: len(self.queries) >= len(queries) and report.answers)
        report.wait(lambda: report.answers[-1][0] == [len(self.queries)])
        assert self.queries == list(queries)


@pytest.fixture
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect again soon after each failure that may pass."""
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(backoff, "MOST_SECONDS", 0.001)


BOTH = Want(frozenset({"processes", "containers"}))


@pytest.mark.usefixtures("no_delay")
def test_a_section_that_a_host_does_not_know_is_left_out() -> None:
    """An older host refuses the whole query. What it has accepted is named again, and the other one in its next run."""
    host, report = Versions("processes"), RecordingReport()
    with scripted(host, report) as (_, remote):
        remote.watch(Want(frozenset({"processes"})))
        first = ["", "cpu,processes"]
        host.wait(report, *first)
        remote.watch(BOTH)
        second = [*first, "containers,cpu,processes", "", "cpu,processes"]
        host.wait(report, *second)
        remote.watch(Want(frozenset({"containers"})))
        third = [*second, ""]
        host.wait(report, *third)
        host.known, host.run = {"cpu", "processes", "containers"}, "run-2"
        remote.watch(BOTH)
        host.wait(report, *third, "cpu,processes", "containers,cpu,processes")


@pytest.mark.usefixtures("no_delay")
@pytest.mark.parametrize("tried", [(), ("containers",)])
def test_sections_that_were_refused_together_are_named_one_by_one(tried: tuple[str, ...]) -> None:
    """Also if one of them was refused alone before. A new line names only what the host knows."""
    host, report = Versions("processes"), RecordingReport()
    queries = ["", "containers,cpu", ""] if tried else ["", "containers,cpu,processes", ""]
    with scripted(host, report) as (_, remote):
        remote.watch(Want(frozenset(tried)) if tried else BOTH)
        if tried:
            host.wait(report, *queries)
            remote.watch(BOTH)
        else:
            queries += ["containers,cpu", ""]
        queries += ["cpu,processes"]
        host.wait(report, *queries)
        remote.unwatch()
        remote.watch(BOTH)
        host.wait(report, *queries, "", "cpu,processes")


@pytest.mark.usefixtures("no_delay")
def test_another_version_may_not_know_what_the_last_one_has_sent() -> None:
    """Its query is refused before its run is known. Then the sections of that run are named."""
    host, report = Versions("processes", "containers", "queue"), RecordingReport()
    with scripted(host, report) as (_, remote):
        remote.watch(BOTH)
        queries = ["", "containers,cpu,processes,queue"]
        host.wait(report, *queries)
        host.known, host.run = {"cpu", "processes", "containers"}, "run-2"
        remote.watch(BOTH)
        queries += ["containers,cpu,processes,queue", "", "containers,cpu,processes"]
        host.wait(report, *queries)
        host.known, host.run = {"cpu", "processes"}, "run-3"
        remote.watch(BOTH)
        queries += ["containers,cpu,processes", "", "containers,cpu,processes", ""]
        host.wait(report, *queries, "containers,cpu", "", "cpu,processes")


@pytest.mark.parametrize("status", [None, 503])
def test_the_first_answer_to_a_viewer_is_no_break(status: int | None) -> None:
    """The host sends a sample each minute, so it has been silent for some time when a viewer comes."""
    hello = {**HELLO, "interval_seconds": 60}

    def script(query: str) -> bytes:
        if "vitals" in query:
            return texts(hello, message(1, vitals={"cpu": 1}))
        if status is None:
            return texts(hello, '{"type":"history","samples":[]}')
        return f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()

    clock, report = Clock(), RecordingReport()
    link = DirectLink(clock)
    with scripted(script, report, link=link) as (server, remote):
        report.wait(lambda: report.all_vitals)  # the last message before the silence
        began = clock.now
        clock.now += 20
        remote.watch(Want())
        report.wait(lambda: server.connections >= 2)
        report.wait(lambda: link.has_worked(began + 10) == "up")


def test_a_flood_is_read_slowly() -> None:
    """32 messages in a second: the peer waits as well, because its socket fills."""
    flood = texts(HELLO, *(message(seq, vitals={"cpu": 1}) for seq in range(1, 2000)))
    report = RecordingReport()
    with scripted(lambda _: flood, report):
        report.wait(lambda: len(report.all_vitals) >= line_module.MAX_MESSAGES_PER_SECOND)
        assert len(report.all_vitals) <= 4 * line_module.MAX_MESSAGES_PER_SECOND


def watched_with_small_budget(remote: DirectRemote) -> _FullLine:
    """Watch the host. What exceeds 100 kB is paid at one byte per second, so it is never read in a test."""
    remote._budget = CostBudget(1.0, 100_000.0)
    remote.watch(Want())
    assert remote._full is not None
    return remote._full


def test_full_samples_that_cost_too_much_are_read_later() -> None:
    """The history may have the largest size, once. Then the peer waits, until the host is watched no more."""
    history = f'{{"type":"history","samples":[{message(1, pad="x" * 90_000)}]}}'
    costly = [message(seq, pad=[[]] * 10_000) for seq in range(2, 10)]
    script = texts(HELLO, history, *costly)
    report = RecordingReport()
    with scripted(lambda query: texts(HELLO) if "vitals" in query else script, report) as (
        _,
        remote,
    ):
        full = watched_with_small_budget(remote)
        report.wait(lambda: len(report.seqs) >= 2)
        remote.unwatch()
        assert full._thread is not None
        full._thread.join(10)
        assert not full._thread.is_alive()
    assert report.answers == [([1], True), ([2], False)]
    assert report.drops == []


@pytest.mark.parametrize("costly", ["hello", "history"])
def test_a_connection_that_is_opened_again_does_not_skip_the_cost(costly: str) -> None:
    """A host may send what makes the mirror request more, at once. A request opens no connection while it waits."""
    pads = {"hello": "", "history": "", costly: "x" * 90_000}
    script = texts(
        {**HELLO, "pad": pads["hello"]},
        f'{{"type":"history","samples":[{message(1, pad=pads["history"])}]}}',
    )

    class AskingReport(RecordingReport):
        def samples(self, found: Sequence[ReceivedSample], *, is_complete: bool) -> None:
            super().samples(found, is_complete=is_complete)
            remote.watch(Want())

    report = AskingReport()
    with scripted(lambda query: texts(HELLO) if "vitals" in query else script, report) as (
        server,
        remote,
    ):
        report.wait(lambda: report.identities)
        full = watched_with_small_budget(remote)
        report.wait(lambda: len(report.answers) >= 2)
        for _ in range(3):
            remote.watch(Want())
            report.wait(lambda: not full._wake.is_set())  # the line has noted the request
        remote.unwatch()
        assert full._thread is not None
        full._thread.join(10)
        assert not full._thread.is_alive()
        assert len(report.answers) == 2
        assert server.connections == 3  # one is for vitals


def test_the_cost_of_a_host_is_kept_when_it_is_watched_again() -> None:
    """It may make its viewers connect again as often as it likes."""
    history = f'{{"type":"history","samples":[{message(1, pad="x" * 90_000)}]}}'
    report = RecordingReport()
    with scripted(lambda _: texts(HELLO, history), report) as (_, remote):
        remote._budget = CostBudget(1.0, 200_000.0)
        for count in (1, 2):
            remote.watch(Want())
            report.wait(lambda: len(report.answers) == count)  # noqa: B023
            remote.unwatch()
        assert remote._budget.paid_at > time.monotonic() - 60_000.0  # 180 KB were spent


def test_silence_ends_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a new one is opened."""
    monkeypatch.setattr(line_module, "SILENCE_SECONDS", 0.05)
    hello = {**HELLO, "interval_seconds": 0.01}
    report = RecordingReport()
    with scripted(lambda _: texts(hello), report) as (server, _):
        report.wait(lambda: server.connections >= 2)
        assert report.failures[0] == ("No answer", False)


def test_a_permanent_failure_is_tried_again_after_a_minute() -> None:
    """Closing does not wait for that."""
    report = RecordingReport()
    refusal = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
    with scripted(lambda _: refusal, report, raw=True) as (server, remote):
        report.wait(lambda: report.failures)
        line = remote._vitals
        assert line is not None
        assert line._thread is not None
        remote.close()
        line._thread.join(10)
        assert not line._thread.is_alive()
        assert server.connections == 1
