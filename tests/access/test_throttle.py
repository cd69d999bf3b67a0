"""Throttle: on a clock that the test moves."""

from __future__ import annotations

import pytest

from telemetry_stream.access.throttle import (
    FORGET_SECONDS,
    FREE_TRIES,
    MAX_ADDRESSES,
    MAX_WAIT_SECONDS,
    Throttle,
)

GUESSER = "192.0.2.1"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    """A throttle on that clock."""
    return Throttle(clock)


def test_a_few_slips_cost_nothing(throttle: Throttle) -> None:
    """People mistype."""
    for n in range(1, FREE_TRIES):
        assert throttle.wait_seconds(GUESSER) == 0
        assert throttle.fail(GUESSER) == n
    assert throttle.wait_seconds(GUESSER) == 0
    assert (throttle.failed, throttle.slowed) == (FREE_TRIES - 1, 0)


def test_each_further_one_doubles_the_wait(throttle: Throttle, clock: Clock) -> None:
    """Up to a minute, however many there are."""
    for _ in range(FREE_TRIES - 1):
        throttle.fail(GUESSER)
    waits = []
    for _ in range(2000):
        throttle.fail(GUESSER)
        waits.append(throttle.wait_seconds(GUESSER))
        clock.now += waits[-1]
        assert throttle.wait_seconds(GUESSER) == 0
    assert waits[:7] == [1, 2, 4, 8, 16, 32, MAX_WAIT_SECONDS]
    assert set(waits[7:]) == {MAX_WAIT_SECONDS}
    assert throttle.slowed == 2000


def test_a_guesser_gets_few_guesses(throttle: Throttle, clock: Clock) -> None:
    """One who tries ten times a second for an hour gets to try less often than once a minute."""
    tried = 0
    for _ in range(36_000):
        clock.now += 0.1
        if not throttle.wait_seconds(GUESSER):
            tried += 1
            throttle.fail(GUESSER)
    assert tried < 72


def test_others_do_not_wait(throttle: Throttle) -> None:
    """Neither another IPv4 address nor another /64."""
    for address in (GUESSER, "2001:db8::1"):
        for _ in range(10):
            throttle.fail(address)
    assert throttle.wait_seconds(GUESSER)
    assert throttle.wait_seconds("2001:db8::2")  # the same network
    assert not throttle.wait_seconds("192.0.2.2")
    assert not throttle.wait_seconds("2001:db8:0:1::1")


def test_it_is_forgotten_in_time(throttle: Throttle, clock: Clock) -> None:
    """After a quarter of an hour without a wrong try."""
    for _ in range(10):
        throttle.fail(GUESSER)
    clock.now += FORGET_SECONDS + 1
    assert throttle.fail(GUESSER) == 1


def test_the_table_is_bounded(throttle: Throttle) -> None:
    """The longest without a wrong try goes first."""
    for _ in range(10):
        throttle.fail("10.0.0.1")
        throttle.fail("10.0.0.2")
    for n in range(MAX_ADDRESSES - 1):
        throttle.fail(f"198.51.{n // 256}.{n % 256}")
        throttle.fail("10.0.0.2")
    assert len(throttle._table) == MAX_ADDRESSES
    assert not throttle.wait_seconds("10.0.0.1")
    assert throttle.wait_seconds("10.0.0.2")
