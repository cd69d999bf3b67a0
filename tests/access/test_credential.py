"""Credential: for how long it is valid."""

from __future__ import annotations

import math
import time

from telemetry_stream.access.credential import Credential
from telemetry_stream.access.tokens import Token

TOKEN = Token("kitchen", "k" * 16)


def test_a_login_expires_and_a_token_does_not() -> None:
    """A login that has expired has no time left."""
    assert Credential(TOKEN).remaining_seconds() == math.inf
    assert 50 < Credential(TOKEN, "a", time.time() + 60).remaining_seconds() <= 60
    assert Credential(TOKEN, "a", time.time() - 60).remaining_seconds() < 0
