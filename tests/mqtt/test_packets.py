"""What a broker may send."""

from __future__ import annotations

import pytest

from telemetry_stream.mqtt.packets import Message, PacketError, PacketReader


def publish(size: int, qos: int = 0) -> bytes:
    """Return a PUBLISH packet with a body of this size."""
    length, left = bytearray(), size
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (128 if left else 0))
        if not left:
            return bytes([0x30 | qos << 1]) + bytes(length) + b"\xff" * size


def read(data: bytes, size: int, count: int = 3) -> tuple[list[Message], bytes]:
    """Return the messages and the other packets of data that come in pieces of this size."""
    reader, messages, others = PacketReader(1000), [], b""
    for start in range(0, len(data), size):
        reader.add(data[start : start + size])
        while reader.may_have_more:
            found, other, taken = reader.take(count)
            assert taken == len(found) + bool(other) <= count
            messages += found
            others += other
    return messages, others


def message(topic: bytes, payload: bytes, first: int = 0x30) -> bytes:
    """Return a message of QoS 0."""
    body = len(topic).to_bytes(2) + topic + payload
    return bytes([first]) + publish(len(body))[1 : -len(body)] + body


CONNACK = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"
STREAM = (
    CONNACK
    + message(b"a/b", b"")
    + PINGRESP
    + publish(1000, 1)
    + message("ä".encode(), b"\xff" * 200, 0x31)
    + message(b"a/c", bytes(995))
    + PINGRESP
)
MESSAGES = [
    Message("a/b", b"", False),
    Message("ä", b"\xff" * 200, True),
    Message("a/c", bytes(995), False),
]
OTHERS = CONNACK + PINGRESP + publish(1000, 1) + PINGRESP


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("size", [1, 2, 7, 1000, 10_000])
def test_messages_are_taken_out_of_pieces_of_any_size(size: int, count: int) -> None:
    """Payloads may contain anything. The other packets are for paho."""
    assert read(STREAM, size, count) == (MESSAGES, OTHERS)


@pytest.mark.parametrize(
    ("size", "length"),
    [(1, 996), (2, 16_384), (7, 997), (1000, 998), (1000, 3_000_000), (100_000, 3_000_000)],
)
def test_a_message_that_is_too_large_loses_only_itself(size: int, length: int) -> None:
    """Its topic is kept, for the log; its payload is discarded as it comes."""
    found, others = read(STREAM + message(b"big", b"\x30" * length, 0x31) + STREAM, size)
    assert found == [*MESSAGES, Message("big", b"", True, True), *MESSAGES]
    assert others == 2 * OTHERS


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"\x20" + publish(1001)[1:], "more than 1000 bytes"),
        (b"\x20\xff\xff\xff\x7f", "more than 1000 bytes"),
        (publish(1001, 1), "more than 1000 bytes"),
        (b"\x30\x80\x80\x80\x80\x01", "invalid packet"),
        (b"\x30\x01\x00", "invalid packet"),
        (b"\x30\x02\x00\x09", "invalid packet"),
        (message(b"\xff", b""), "not UTF-8"),
        (publish(3, 2), "QoS 2"),
        (publish(3, 3), "QoS 2 or 3"),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_other_packets_are_refused(packet: bytes, reason: str, size: int) -> None:
    """Before their body is received, also after valid packets."""
    with pytest.raises(PacketError, match=reason):
        read(STREAM + packet, size)
