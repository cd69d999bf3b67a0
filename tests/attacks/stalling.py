"""A viewer that stalls but continues to ping, and later reads again: the stream must be intact.

While it stalls, the write pump is in the middle of a frame when the read pump has to send a pong. So two threads write
to one full socket.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.attacks.target import Target
from tests.viewers import Message, seqs
from tests.websocket.peer import CONTINUATION, PING, PONG, TEXT, Frame, Peer, frame

# Small enough to be full after a few samples, but larger than a segment of a loopback connection, so that TCP does not
# have to wait for its probe timer.
BUFFER_BYTES = 16 * 1024
# A history at the start fills the sockets in half the time.
PATH = "/ws?history=1"
# More frames than a new viewer may have waiting for a moment.
WAITING_FRAMES = 3
# When the server reads again, all pings since then arrive within one second, in which more than 20 are too many.
PINGS_WHEN_FULL = 5


def figure_of(peer: Peer, report: dict[str, Any], figure: str) -> int:
    """Return a figure of this viewer from /api/v1/clients, or 0 while the viewer is not registered."""
    host, port = peer.sock.getsockname()
    return sum(it[figure] for it in report["clients"] if it["peer"] == f"{host}:{port}")


def stall(target: Target, peer: Peer) -> list[bytes]:
    """Ping without reading until frames wait for the viewer, and then a few more times; return the payloads.

    If a viewer was evicted before that was seen, return them without further pings.
    """
    payloads: list[bytes] = []
    evicted = target.ended("too slow")

    def ping() -> None:
        payloads.append(b"%d" % len(payloads))
        peer.send(frame(PING, payloads[-1]))

    while figure_of(peer, report := target.clients(), "waiting_frames") < WAITING_FRAMES:
        if report["ended_total"].get("too slow", 0) > evicted:
            return payloads
        ping()
        target.read_for(0.0)  # waits for a sample, so that pings are not more frequent than samples
    for _ in range(PINGS_WHEN_FULL):
        ping()
    return payloads


def read_until(peer: Peer, is_last: Callable[[Frame], bool]) -> list[Frame]:
    """Read frames up to the first for which ``is_last`` is true."""
    frames = [peer.frame()]
    while not is_last(frames[-1]):
        frames.append(peer.frame())
    return frames


def messages(frames: list[Frame]) -> list[Message]:
    """Join the frames to messages, without pings and pongs; fragments must be in order (RFC 6455 section 5.4)."""
    found: list[Message] = []
    text = b""
    is_open = False
    for got in frames:
        if got.opcode in (PING, PONG):
            continue
        assert got.opcode == (CONTINUATION if is_open else TEXT), got
        text += got.payload
        is_open = not got.fin
        if got.fin:
            found.append(json.loads(text))
            text = b""
    return found


def missing(frames: list[Frame]) -> int:
    """Return how many samples are missing between the first and the last one, which must be in order."""
    hello, history, *live = messages(frames)
    assert [hello["type"], history["type"]] == ["hello", "history"]
    numbers = seqs(history["samples"] + live)
    assert numbers == sorted(set(numbers))
    return numbers[-1] - numbers[0] + 1 - len(numbers)


def pongs(frames: list[Frame]) -> list[bytes]:
    """Return the payloads of the pongs."""
    return [got.payload for got in frames if got.opcode == PONG]


def assert_intact_after_stall(target: Target, peer: Peer) -> None:
    """Stall, then read again: frames are whole, every ping has its pong, and only dropped samples are missing."""
    payloads = stall(target, peer)
    newest = target.read_for(0.0)[-1].seq

    def is_newer(got: Frame) -> bool:
        return got.opcode == TEXT and got.fin and json.loads(got.payload)["seq"] > newest

    frames = read_until(peer, lambda got: got == Frame(PONG, payloads[-1], fin=True))
    frames += read_until(peer, is_newer)
    assert pongs(frames) == payloads
    assert missing(frames) == figure_of(peer, target.clients(), "dropped_frames")
