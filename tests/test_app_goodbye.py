"""A stop, as seen by a viewer that is behind."""

from __future__ import annotations

import json
import threading

from telemetry_stream import App, Settings, threads
from tests.conftest import eventually
from tests.viewers import PATIENCE_SECONDS, address_of, clients
from tests.websocket.peer import CLOSE, TEXT, Frame, Peer

BYTES_AT_A_TIME = 4096
PAUSE_SECONDS = 0.04  # 100 KB/s: more waits than can be had in the second that a stop gives


def test_who_reads_slowly_gets_whole_frames_and_the_goodbye() -> None:
    """What cannot be had in time is left out; nothing is cut off, and 1001 is the last of it."""
    with (
        App(Settings(port=0, interval=0.1)) as app,
        Peer(address_of(app.url), "/ws?sections=load", buffer_bytes=4096) as peer,
    ):
        assert peer.message()["type"] == "hello"
        number = 0

        def is_behind() -> bool:
            nonlocal number
            number += 1
            app.stream.broadcast("note", number=number, text="x" * 15_000)
            waiting: int = clients(app.url)[0]["waiting_frames"]
            return waiting >= 12

        assert eventually(is_behind)
        frames: list[Frame] = []
        pace = threading.Event()

        def read_slowly() -> None:
            while (frame := peer.maybe_frame()) is not None:
                frames.append(frame)
                pace.wait(PAUSE_SECONDS * len(frame.payload) / BYTES_AT_A_TIME)

        reader = threads.start("reader", read_slowly)
        app.close()
        reader.join(PATIENCE_SECONDS)
        assert not reader.is_alive()
        assert {frame.opcode for frame in frames[:-1]} == {TEXT}
        messages = [json.loads(frame.payload) for frame in frames[:-1]]
        notes = [message["number"] for message in messages if message["type"] == "note"]
        assert notes == list(range(1, len(notes) + 1))
        assert (frames[-1].opcode, frames[-1].code) == (CLOSE, 1001)
