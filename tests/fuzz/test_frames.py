"""Random bytes and frames after the handshake: reading ends regularly, and the answers are whole frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.websocket.inbound import Inbound
from telemetry_stream.websocket.quota import Allowance, Quota
from tests.websocket.peer import frame
from tests.websocket.test_inbound import KEY, Script

frames = st.builds(
    frame,
    st.integers(0, 15),
    st.binary(max_size=700) | st.text(max_size=30).map(str.encode),
    fin=st.booleans(),
)
heads = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(bytes)
pieces = st.lists(frames | heads | st.binary(max_size=20), max_size=12)


def is_whole(data: bytes) -> bool:
    """Return whether ``data`` consists of whole close and pong frames of a server."""
    while data:
        if len(data) < 2 or data[0] not in (0x88, 0x8A) or data[1] > 125 or len(data) < 2 + data[1]:
            return False
        data = data[2 + data[1] :]
    return True


@given(pieces, st.integers(1, 4096))
def test_any_frames(pieces: list[bytes], size: int) -> None:
    """Read in parts of any size."""
    stream = b"".join(pieces)
    script = Script(*(stream[at : at + size] for at in range(0, len(stream), size)))
    inbound = Inbound(script, KEY, Quota(Allowance()))
    script.sent.clear()
    inbound.read()
    assert script.closed == 1
    assert is_whole(b"".join(script.sent))
