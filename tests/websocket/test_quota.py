"""Quota, with a clock that the test advances."""

from __future__ import annotations

import pytest

from telemetry_stream.websocket.quota import Allowance, Quota, QuotaExceededError

ALLOWANCE = Allowance(message_bytes=512, frames_per_second=20, bytes_per_second=16_384)


def test_one_frame_too_many_in_a_second_exceeds_the_quota() -> None:
    """20 frames are allowed."""
    quota = Quota(ALLOWANCE, lambda: 1000.0)
    quota.take(frames=20)
    assert not quota.exceeded
    with pytest.raises(QuotaExceededError, match="20 frames"):
        quota.take(frames=1)
    assert quota.exceeded


def test_one_byte_too_many_in_a_second_exceeds_the_quota() -> None:
    """Bytes of an incomplete frame count, too."""
    quota = Quota(ALLOWANCE, lambda: 1000.0)
    for _ in range(4):
        quota.take(size=4096)
    with pytest.raises(QuotaExceededError, match="16384 bytes"):
        quota.take(size=1)
    assert quota.exceeded


def test_each_second_has_the_full_quota() -> None:
    """A viewer may use all of it indefinitely."""
    now = 1000.0
    quota = Quota(ALLOWANCE, lambda: now)
    for _ in range(1000):
        quota.take(frames=20, size=16_384)
        now += 1.0
    assert not quota.exceeded


def test_the_default_allowance_is_what_the_protocol_documents() -> None:
    """512 bytes per message, 20 frames and 32 such messages per second (docs/protocol.md section 6)."""
    assert Allowance() == (512, 20, 32 * 512)
