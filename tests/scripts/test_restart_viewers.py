"""The viewers of bench-restart reconnect as the page does, and count gaps."""

from __future__ import annotations

import json
import re
import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import restart_viewers
from restart_viewers import Crowd, Seen, path_after, retry_delay_seconds
from wire import CLOSE, TEXT

WEB = Path(__file__).parents[2] / "web/src"
TIMEOUT_SECONDS = 20.0


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame of a server."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + payload


def sample(stream: str, seq: int) -> bytes:
    """Return a live sample in a frame."""
    return frame(
        TEXT, json.dumps({"type": "sample", "stream": stream, "seq": seq, "pad": "x" * 99}).encode()
    )


class Server:
    """A server that answers each request with the next of ``answers``, and closes the connection after a close frame.

    It runs in the loop of the crowd, so that a test needs only one thread.
    """

    def __init__(self, answers: list[bytes]) -> None:
        self.heads: list[str] = []
        self.received: list[bytes] = []  # from viewers, after their requests
        self._answers = answers
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._sock.getsockname()
        self._open: list[socket.socket] = []

    def join(self, crowd: Crowd) -> None:
        """Serve in the loop of ``crowd``."""
        crowd.listen(self._sock, selectors.EVENT_READ, lambda: self._accept(crowd))

    def _accept(self, crowd: Crowd) -> None:
        peer = self._sock.accept()[0]
        self._open.append(peer)
        crowd.listen(peer, selectors.EVENT_READ, lambda: self._serve(crowd, peer))

    def _serve(self, crowd: Crowd, peer: socket.socket) -> None:
        data = peer.recv(4096)
        if data.startswith(b"GET "):
            self.heads.append(data.split(b" ")[1].decode())
            if self._answers:
                peer.sendall(self._answers.pop(0))
            return
        self.received.append(data)
        crowd.unlisten(peer)
        peer.close()

    def close(self) -> None:
        for sock in (*self._open, self._sock):
            sock.close()


UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
GOING_AWAY = frame(CLOSE, b"\x03\xe9going away")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the schedule a hundred times as fast."""
    monkeypatch.setattr(restart_viewers, "FIRST_SECONDS", 0.005)


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Crowd]]:
    """A server with the answers of the test, and one viewer."""
    with closing(Server(request.param)) as server, closing(Crowd(server.address, 1)) as crowd:
        server.join(crowd)
        yield server, crowd


def constant(path: str, name: str) -> float:
    """Return a constant of the page's source."""
    found = re.search(rf"const {name} = ([\d_.]+);", (WEB / path).read_text())
    assert found, f"{path} has no {name}"
    return float(found[1].replace("_", ""))


def test_schedule_is_that_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays, the timeout of a try, and the length of the history are constants of the page's source."""
    monkeypatch.undo()
    ours = restart_viewers
    assert constant("stream/backoff.ts", "FIRST_MS") == ours.FIRST_SECONDS * 1000
    assert constant("stream/backoff.ts", "GROWTH") == ours.GROWTH
    assert constant("stream/backoff.ts", "LONGEST_MS") == ours.LONGEST_SECONDS * 1000
    assert constant("stream/connection.ts", "TRY_TIMEOUT_MS") == ours.TRY_SECONDS * 1000
    assert constant("app/create-host.ts", "RING_SLOTS") == ours.HISTORY_SECONDS
    assert "full * (0.7 + 0.6 * random())" in (WEB / "stream/backoff.ts").read_text()
    waits = [retry_delay_seconds(failures, 0.5) for failures in (0, 1, 2, 50)]
    assert waits == pytest.approx([0.5, 0.85, 1.445, 15.0])
    assert (retry_delay_seconds(0, 0.0), retry_delay_seconds(0, 1.0)) == pytest.approx((0.35, 0.65))


def test_request_is_that_of_the_page() -> None:
    """First a history, and after a reconnect the samples since then."""
    assert path_after(None) == "/ws?history=600"
    assert path_after(Seen("run", 7)) == "/ws?history=600&since=7&stream=run"


@pytest.mark.parametrize(
    "served",
    [
        [
            UPGRADE + sample("old", 1) + sample("old", 2) + GOING_AWAY,
            UPGRADE + sample("new", 1) + sample("new", 3) + sample("new", 3),
        ]
    ],
    indirect=True,
)
def test_viewer_resumes_after_close_code_1001(
    served: tuple[Server, Crowd],
) -> None:
    """It answers the close frame and asks for newer samples. A number that is missing or arrives twice is a gap."""
    server, crowd = served
    assert crowd.until(lambda: crowd.newest == Seen("new", 3), TIMEOUT_SECONDS)
    page = crowd.pages[0]
    assert page.end_code == 1001
    assert server.received == [b"\x88\x82\x00\x00\x00\x00\x03\xe9"]
    assert server.heads == ["/ws?history=600", "/ws?history=600&since=2&stream=old"]
    assert crowd.tries == {"101": 2}
    assert (crowd.gaps("old"), crowd.gaps("new")) == (0, 2)
    assert crowd.all_are_in("new")
    assert page.began["old"] < page.back_at < page.began["new"]


@pytest.mark.parametrize(
    "served",
    [
        [
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            UPGRADE + sample("run", 1),
        ]
    ],
    indirect=True,
)
def test_refused_viewer_tries_again(served: tuple[Server, Crowd]) -> None:
    """Any answer but 101 is a failed try."""
    _, crowd = served
    assert crowd.until(lambda: crowd.stream, TIMEOUT_SECONDS)
    assert crowd.tries == {"503": 1, "101": 1}


@pytest.mark.parametrize("served", [[]], indirect=True)
def test_try_has_a_timeout(served: tuple[Server, Crowd], monkeypatch: pytest.MonkeyPatch) -> None:
    """For a server that accepts and does not answer."""
    monkeypatch.setattr(restart_viewers, "TRY_SECONDS", 0.02)
    server, crowd = served
    # A try may be over before the server has read its request.
    assert crowd.until(
        lambda: crowd.tries["took too long"] >= 2 and len(server.heads) >= 2, TIMEOUT_SECONDS
    )


def test_viewer_keeps_trying_while_no_server_listens() -> None:
    """Each try is refused."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound, but not listening
        with closing(Crowd(sock.getsockname(), 1)) as crowd:
            assert crowd.until(lambda: crowd.tries["ECONNREFUSED"] >= 3, TIMEOUT_SECONDS)
            assert not crowd.until(lambda: crowd.stream, 0)


def test_viewer_without_the_newest_sample_is_noticed() -> None:
    """And a viewer that got no sample of a run has only gaps."""
    with closing(Crowd(("127.0.0.1", 1), 2)) as crowd:
        crowd.record(Seen("run", 1))
        assert not crowd.all_have_newest()
        assert not crowd.all_are_in("run")
        crowd.pages[0].got["run"].append(1)
        assert crowd.gaps("run") == 1
