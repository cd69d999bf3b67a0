"""A text in gzip form: it is right for every client, and little is kept while a client reads."""

from __future__ import annotations

import gzip
import json
import os
import random
import tracemalloc
import zlib

import pytest

from telemetry_stream.net.gzipped import PART_BYTES, accepts_gzip, gzipped


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("gzip ; Q=0", False),
        ("identity", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("x-gzipped", False),
        (",;=", False),
    ],
)
def test_accept_encoding(header: str, accepted: bool) -> None:
    """As RFC 9110 section 12.5.3 defines it."""
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [b"short"],
        [b"a" * PART_BYTES],
        [b"a" * (PART_BYTES - 1), b"b", b"c"],
        [b"x" * 10_000] * 50,
        [os.urandom(3 * PART_BYTES), b"the end"],
    ],
    ids=["nothing", "empty", "short", "one part", "parts", "many parts", "noise"],
)
def test_the_text_is_restored(pieces: list[bytes]) -> None:
    """It is one gzip member with the right checksum and length, which is all that browsers read."""
    data = b"".join(gzipped(pieces))
    assert gzip.decompress(data) == b"".join(pieces)
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)
    decompressor.decompress(data)
    assert decompressor.eof
    assert decompressor.unused_data == b""


def test_samples_take_a_fraction() -> None:
    """Although each part is compressed on its own."""
    noise = random.Random(1)
    sample = {f"field_{n}_bytes_per_second": 0.0 for n in range(300)}
    texts = [
        json.dumps({name: noise.randrange(100) for name in sample}).encode() for _ in range(50)
    ]
    assert sum(map(len, gzipped(texts))) < sum(map(len, texts)) / 8


def test_a_reader_that_waits_keeps_only_a_compressed_part() -> None:
    """Neither a compressor nor the text that has been compressed."""
    compressed = gzipped(b"x" * 16_000 for _ in range(100))
    next(compressed)
    next(compressed)
    tracemalloc.start()
    try:
        part = next(compressed)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(part) <= kept < len(part) + 2000


def test_the_text_is_taken_as_it_is_sent() -> None:
    """A reader that leaves after the first part has cost only this part."""
    taken = []

    def pieces() -> object:
        for n in range(100):
            taken.append(n)
            yield b"x" * 16_000

    compressed = gzipped(pieces())  # type: ignore[arg-type]
    next(compressed)
    assert taken == []
    next(compressed)
    assert len(taken) == 9
