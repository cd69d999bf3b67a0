"""What a broker may send."""

from __future__ import annotations

import pytest

from telemetry_stream.mqtt.packets import PacketError, PacketGuard


def publish(size: int, qos: int = 0) -> bytes:
    """Return a PUBLISH packet with a body of this size."""
    length, left = bytearray(), size
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (128 if left else 0))
        if not left:
            return bytes([0x30 | qos << 1]) + bytes(length) + b"\xff" * size


def check(data: bytes, size: int) -> None:
    """Check the data in pieces."""
    guard = PacketGuard(1000)
    for start in range(0, len(data), size):
        guard.check(data[start : start + size])


CONNACK = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"
STREAM = CONNACK + publish(3) + PINGRESP + publish(1000, 1) + publish(200) + PINGRESP


@pytest.mark.parametrize("size", [1, 2, 7, 1000, 10_000])
def test_valid_packets_pass_in_pieces_of_any_size(size: int) -> None:
    """Bodies may contain anything."""
    check(STREAM, size)


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (publish(1001), "more than 1000 bytes"),
        (b"\x30\xff\xff\xff\x7f", "more than 1000 bytes"),
        (b"\x30\x80\x80\x80\x80\x01", "invalid packet"),
        (publish(3, 2), "QoS 2"),
        (publish(3, 3), "QoS 2 or 3"),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_other_packets_are_refused(packet: bytes, reason: str, size: int) -> None:
    """Before their body is received, also after valid packets."""
    with pytest.raises(PacketError, match=reason):
        check(STREAM + packet, size)
