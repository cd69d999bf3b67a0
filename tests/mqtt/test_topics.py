"""The topics of a host."""

from __future__ import annotations

import pytest

from telemetry_stream.mqtt.topics import Topics


def test_the_topics_of_a_host() -> None:
    """With prefix, version, site and host."""
    topics = Topics("ts", "home", "b3f1")
    assert topics.of("vitals") == "ts/1/home/b3f1/vitals"
    assert topics.to("f1") == "ts/1/home/b3f1/to/f1"


@pytest.mark.parametrize("part", ["", "a/b", "+", "#", "a b", "a\0", "x" * 65, "é"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_part_that_is_no_level_is_refused(part: str, place: int) -> None:
    """A wildcard or a separator would change which topics are meant."""
    parts = ["ts", "home", "b3f1"]
    parts[place] = part
    with pytest.raises(ValueError, match="letters, digits"):
        Topics(*parts)
