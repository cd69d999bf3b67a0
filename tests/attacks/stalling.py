"""A viewer that stalls while it goes on pinging, and then reads on: what it is sent must fit together all the same.

While it stalls, the write pump is in the middle of a frame when the read pump has a pong to send: two writers for one
full socket.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.attacks.target import Target
from tests.viewers import Message, seqs
from tests.websocket.peer import CONTINUATION, PING, PONG, TEXT, Frame, Peer, frame

# Little enough to be full after a few samples, and more than a segment of a loopback connection needs to move on.
ROOM_BYTES = 16 * 1024
# A history to begin with fills the sockets in half the time.
PATH = "/ws?history=1"
# More than wait for a moment when a viewer comes.
BEHIND_FRAMES = 3
# Whoever is read again after a while brings all that it has said meanwhile in one second, in which 20 are too many.
PINGS_WHEN_FULL = 5


def reported(target: Target, peer: Peer, figure: str) -> int:
    """What the program says of this viewer; 0 as long as it does not know it."""
    host, port = peer.sock.getsockname()
    return sum(it[figure] for it in target.clients()["clients"] if it["peer"] == f"{host}:{port}")


def stall(target: Target, peer: Peer) -> list[bytes]:
    """Ping and read nothing, until frames wait for the viewer and some more; return what the pongs have to say."""
    said: list[bytes] = []

    def ping() -> None:
        said.append(b"%d" % len(said))
        peer.send(frame(PING, said[-1]))

    while reported(target, peer, "waiting_frames") < BEHIND_FRAMES:
        ping()
        target.read_for(0.0)  # so that none comes faster than samples do
    for _ in range(PINGS_WHEN_FULL):
        ping()
    return said


def read_until(peer: Peer, is_last: Callable[[Frame], bool]) -> list[Frame]:
    """Frames up to the first of this kind."""
    frames = [peer.frame()]
    while not is_last(frames[-1]):
        frames.append(peer.frame())
    return frames


def messages(frames: list[Frame]) -> list[Message]:
    """What the frames say together, pings and pongs between them aside; each frame has its place (RFC 6455 5.4)."""
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


def assert_whole(frames: list[Frame], dropped: int) -> None:
    """The samples, history and live, have all numbers from the first to the last, but for those dropped."""
    hello, history, *live = messages(frames)
    assert [hello["type"], history["type"]] == ["hello", "history"]
    numbers = seqs(history["samples"] + live)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] + 1 == len(numbers) + dropped


def pongs(frames: list[Frame]) -> list[bytes]:
    """What the pongs say."""
    return [got.payload for got in frames if got.opcode == PONG]


def assert_reads_on(target: Target, peer: Peer) -> None:
    """Have the viewer stall, and read on: no hole in a frame, in the pongs, or in the samples beside those dropped."""
    said = stall(target, peer)
    newest = target.read_for(0.0)[-1].seq

    def is_newer(got: Frame) -> bool:
        return got.opcode == TEXT and got.fin and json.loads(got.payload)["seq"] > newest

    frames = read_until(peer, lambda got: got == Frame(PONG, said[-1], fin=True))
    frames += read_until(peer, is_newer)
    assert pongs(frames) == said
    assert_whole(frames, reported(target, peer, "dropped_frames"))
