"""Two hours of a host in which disks fill up, memory runs short and a sensor gets hot: what fires, and when."""

from __future__ import annotations

from tests.alerts.golden import FRAME, HOSTS_PATH, PATH, frame, hosts_text, text


def test_the_story_of_a_host_is_reported_as_expected() -> None:
    """Compared with the golden list. ``scripts/update-golden`` writes it."""
    assert text() == PATH.read_text()


def test_the_captured_hosts_are_reported_as_expected() -> None:
    """Each of them, as it was: most are quiet."""
    assert hosts_text() == HOSTS_PATH.read_text()


def test_the_message_is_as_expected() -> None:
    """Compared with the golden frame, which the tests of the page read too."""
    assert frame() == FRAME.read_text()
