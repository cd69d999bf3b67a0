"""Two hours of a host in which disks fill up, memory runs short and a sensor gets hot: what fires, and when."""

from __future__ import annotations

from tests.alerts.golden import FRAME, PATH, frame, text


def test_the_story_of_a_host_is_reported_as_expected() -> None:
    """Compared with the golden list. ``scripts/update-golden`` writes it."""
    assert text() == PATH.read_text()


def test_the_message_is_as_expected() -> None:
    """Compared with the golden frame, which the tests of the page read too."""
    assert frame() == FRAME.read_text()
