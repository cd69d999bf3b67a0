"""The topics of a host."""

from __future__ import annotations

import pytest

from telemetry_stream.mqtt.topics import HostTopic, Topics, filters, maybe_host_topic


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


def test_the_topics_of_all_hosts() -> None:
    """Of one site, or of all sites."""
    assert filters("ts", "home", ["hello", "state"]) == ["ts/1/home/+/hello", "ts/1/home/+/state"]
    assert filters("ts", "", ["vitals"]) == ["ts/1/+/+/vitals"]


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("ts/1/home/b3f1/vitals", ("home", "b3f1", "vitals")),
        ("ts/1/home/b3f1/to/f1", ("home", "b3f1", "to/f1")),
        ("ts/1/home/b3f1", ("home", "b3f1", "")),
        ("ts/2/home/b3f1/vitals", None),
        ("other/1/home/b3f1/vitals", None),
        ("ts/1//b3f1/vitals", None),
        ("ts/1/home/<b>/vitals", None),
        ("ts/1/home", None),
        ("", None),
    ],
)
def test_a_topic_is_taken_apart(topic: str, parts: tuple[str, str, str] | None) -> None:
    """Whatever a broker sends."""
    assert maybe_host_topic("ts", topic) == (HostTopic(*parts) if parts else None)
