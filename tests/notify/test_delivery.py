"""The state of a receiver that is shown."""

from __future__ import annotations

import time

import pytest

from telemetry_stream.notify.channel import Capacity, DeliveryError
from telemetry_stream.notify.choice import Choice, Pace
from telemetry_stream.notify.command import Command
from telemetry_stream.notify.config import Receiver
from telemetry_stream.notify.delivery import Delivery
from telemetry_stream.notify.outbox import Outbox
from telemetry_stream.notify.worker import Worker


@pytest.mark.parametrize("step", [-3600.0, 0.0, 3600.0])
def test_the_state_is_that_of_the_last_attempt(
    monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """Also if the clock is set, back or ahead, after each attempt."""
    clock = [1_764_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    command = Command(("/bin/true",), 1.0)
    found = Delivery(
        Receiver("one", "command", command, Choice(), Pace()),
        Outbox(Choice(), Pace(), Capacity(), started_at=0.0),
        Worker(command.sender(), lambda *_: None),
    )
    states = [found.state]
    late = DeliveryError("not complete", is_delivered=True)
    for error in (DeliveryError("refused"), None, DeliveryError("refused"), late, None, None):
        found.take_end(error, 1.0)
        states.append(found.state)
        clock[0] += step
    assert states == ["unused", "failing", "ok", "failing", "failing", "ok", "ok"]
