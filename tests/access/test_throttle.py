"""Throttle, with a clock that the test advances."""

from __future__ import annotations

import pytest

from telemetry_stream.access.throttle import (
    FREE_ATTEMPTS,
    MAX_ADDRESSES,
    MAX_WAIT_SECONDS,
    RESET_SECONDS,
    Throttle,
)

GUESSER = "192.0.2.1"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that does not advance by itself."""
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    """A throttle with that clock."""
    return Throttle(clock)


def test_the_first_wrong_tokens_cause_no_wait(throttle: Throttle) -> None:
    """A user may mistype a token."""
    for n in range(1, FREE_ATTEMPTS):
        assert throttle.wait_seconds(GUESSER) == 0
        assert throttle.record_failure(GUESSER) == n
    assert throttle.wait_seconds(GUESSER) == 0
    assert (throttle.failed, throttle.rejected) == (FREE_ATTEMPTS - 1, 0)


def test_each_further_wrong_token_doubles_the_wait(throttle: Throttle, clock: Clock) -> None:
    """The wait grows up to a minute, and no number of wrong tokens overflows it."""
    for _ in range(FREE_ATTEMPTS - 1):
        throttle.record_failure(GUESSER)
    waits = []
    for _ in range(2000):
        throttle.record_failure(GUESSER)
        waits.append(throttle.wait_seconds(GUESSER))
        clock.now += waits[-1]
        assert throttle.wait_seconds(GUESSER) == 0
    assert waits[:7] == [1, 2, 4, 8, 16, 32, MAX_WAIT_SECONDS]
    assert set(waits[7:]) == {MAX_WAIT_SECONDS}
    assert throttle.rejected == 2000


def test_an_attacker_gets_about_one_attempt_per_minute(throttle: Throttle, clock: Clock) -> None:
    """This one tries ten times a second for an hour."""
    attempts = 0
    for _ in range(36_000):
        clock.now += 0.1
        if not throttle.wait_seconds(GUESSER):
            attempts += 1
            throttle.record_failure(GUESSER)
    assert attempts < 72


def test_other_addresses_do_not_wait(throttle: Throttle) -> None:
    """Neither another IPv4 address nor another /64 network."""
    for address in (GUESSER, "2001:db8::1"):
        for _ in range(10):
            throttle.record_failure(address)
    assert throttle.wait_seconds(GUESSER)
    assert throttle.wait_seconds("2001:db8::2")  # the same /64
    assert not throttle.wait_seconds("192.0.2.2")
    assert not throttle.wait_seconds("2001:db8:0:1::1")


def test_the_count_restarts_after_a_quarter_of_an_hour(throttle: Throttle, clock: Clock) -> None:
    """The quarter of an hour begins with the last wrong token."""
    for _ in range(10):
        throttle.record_failure(GUESSER)
    clock.now += RESET_SECONDS + 1
    assert throttle.record_failure(GUESSER) == 1


def test_a_full_table_forgets_the_address_that_failed_longest_ago(throttle: Throttle) -> None:
    """One more address than the table has entries, and the first one need not wait any more."""
    for _ in range(10):
        throttle.record_failure("10.0.0.1")
        throttle.record_failure("10.0.0.2")
    for n in range(MAX_ADDRESSES - 1):
        assert throttle.wait_seconds("10.0.0.1")
        throttle.record_failure(f"198.51.{n // 256}.{n % 256}")
        throttle.record_failure("10.0.0.2")
    assert not throttle.wait_seconds("10.0.0.1")
    assert throttle.wait_seconds("10.0.0.2")
