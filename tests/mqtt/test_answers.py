"""The answers to front ends: parts of a compressed history, at a limited rate."""

from __future__ import annotations

import json
import zlib
from typing import Any

from telemetry_stream.metrics.sample import Sample
from telemetry_stream.mqtt.answers import (
    ANSWER_SECONDS,
    BYTES_PER_SECOND,
    PART_BYTES,
    Answers,
    answer,
)
from telemetry_stream.mqtt.messages import Ask
from telemetry_stream.stream import Feed
from tests.stream.streaming import publish, streaming


def fill(feed: Feed, count: int) -> None:
    """Publish samples that cannot be compressed to much less than 1.4 KB each."""
    import os

    for _ in range(count):
        pad = {"text": os.urandom(1400).hex()}
        feed.publish(Sample(feed.host.id, 1.0, 1.0, 1.0, {"pad": pad}, {}))


def read(parts: list[bytes]) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the heads of all parts, and the numbers of the samples."""
    split = [part.partition(b"\n") for part in parts]
    text = zlib.decompress(b"".join(content for _, _, content in split))
    return [json.loads(head) for head, _, _ in split], [
        s["seq"] for s in json.loads(text)["samples"]
    ]


def test_a_short_answer_is_one_part() -> None:
    """Also an empty one."""
    with streaming() as (_, _, feed):
        publish(feed, 5)
        heads, numbers = read(list(answer(feed, Ask("f", feed.id, 2, None))))
        assert heads == [{"stream": feed.id, "part": 0, "last": True}]
        assert numbers == [3, 4, 5]
        assert read(list(answer(feed, Ask("f", feed.id, 5, None))))[1] == []
        assert read(list(answer(feed, Ask("f", "another", 5, None))))[1] == [1, 2, 3, 4, 5]


def test_a_long_answer_has_parts_of_at_most_64_kib() -> None:
    """With their numbers; the last one is marked."""
    with streaming() as (_, _, feed):
        fill(feed, 200)
        parts = list(answer(feed, Ask("f", feed.id, 0, None)))
        assert len(parts) > 3
        assert max(map(len, parts)) <= PART_BYTES
        heads, numbers = read(parts)
        assert [head["part"] for head in heads] == list(range(len(parts)))
        assert [head["last"] for head in heads] == [False] * (len(parts) - 1) + [True]
        assert numbers == list(range(1, 201))


def test_all_answers_share_a_rate() -> None:
    """1 MiB per second, the front ends in turns."""
    with streaming() as (_, _, feed):
        fill(feed, 200)
        answers, sent, now = Answers(feed), [], 100.0

        def publish_part(front: str, part: bytes) -> bool:
            sent.append((now, front, len(part)))
            return True

        for front in "ab":
            answers.ask(Ask(front, None, 0, None), now)
        while (wait := answers.maybe_seconds_until_next(now)) is not None:
            now += wait
            answers.send(now, publish_part)
        total = sum(size for _, _, size in sent)
        assert total > 2 * 200 * 1400
        assert sent[-1][0] - 100.0 >= (total - 2 * PART_BYTES) / BYTES_PER_SECOND
        assert [front for _, front, _ in sent[:4]] == ["a", "b", "a", "b"]


def test_an_answer_ends_if_it_is_replaced_too_slow_or_not_sent() -> None:
    """So that no front end keeps old samples in memory."""
    with streaming() as (_, _, feed):
        fill(feed, 200)
        answers = Answers(feed)
        answers.ask(Ask("a", None, 0, None), 0.0)
        answers.ask(Ask("a", None, 100, None), 0.0)
        sent: list[bytes] = []

        def publish_part(_: str, part: bytes) -> bool:
            sent.append(part)
            return len(sent) < 3

        answers.send(0.0, publish_part)
        answers.send(1.0, publish_part)
        assert [json.loads(part.partition(b"\n")[0])["part"] for part in sent] == [0, 1]
        assert answers.maybe_seconds_until_next(1.0) is not None
        answers.send(ANSWER_SECONDS, publish_part)
        assert answers.maybe_seconds_until_next(ANSWER_SECONDS) is None
        answers.ask(Ask("a", None, 0, None), 50.0)
        answers.send(50.0, publish_part)
        assert answers.maybe_seconds_until_next(50.0) is None
        assert len(sent) == 3
