"""Kernel files: open descriptors, whole reads, one read per tick."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from telemetry_stream.metrics import files as files_module
from telemetry_stream.metrics.files import Files, ParseError, parser, read_records
from telemetry_stream.metrics.source import Clock
from tests.metrics.trees import Tree


def identity(content: bytes) -> bytes:
    """Return the content: the parser of these tests."""
    return content


def test_a_file_is_read_once_per_tick(tree: Tree) -> None:
    """Two sources that use one path share the object, the read and its time."""
    tree.put("proc/loadavg", "one")
    first, second = tree.files.proc("loadavg", identity), tree.files.proc("loadavg", identity)
    assert first is second
    now = tree.tick()
    assert first.read(now) == b"one"
    read_at = first.monotonic
    tree.put("proc/loadavg", "two")
    tree.advance(0.25)
    assert second.read(now) == b"one"
    assert second.monotonic == read_at
    assert first.read(tree.tick()) == b"two"
    assert first.monotonic == read_at + 1.25


def test_an_error_lasts_for_its_tick(tree: Tree) -> None:
    """It is raised again in the same tick without another read. The next tick reads."""
    kept = tree.files.proc("loadavg", identity)
    now = tree.tick()
    with pytest.raises(FileNotFoundError):
        kept.read(now)
    tree.put("proc/loadavg", "here")
    with pytest.raises(FileNotFoundError):
        kept.read(now)
    assert kept.read(tree.tick()) == b"here"


def test_an_optional_file_is_tried_again_after_half_a_minute(tree: Tree) -> None:
    """A kernel that does not have it costs an open() only then."""
    kept = tree.files.proc("net/sockstat6", identity)
    assert kept.maybe_read(tree.tick()) is None
    tree.put("proc/net/sockstat6", "here")
    assert kept.maybe_read(tree.tick()) is None
    assert kept.maybe_read(tree.tick(30.0)) == b"here"


@pytest.mark.parametrize("size", [4095, 4096, 4097, 150_000])
def test_a_single_record_file_is_read_whole(tree: Tree, size: int) -> None:
    """The buffer grows until the file fits."""
    content = b"x" * size
    tree.put("proc/stat", content)
    kept = tree.files.proc("stat", identity)
    assert kept.read(tree.tick()) == content
    assert kept.read(tree.tick()) == content


def test_a_record_file_is_read_to_its_empty_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short read is not the end. Offsets increase, and none is read twice."""
    content = bytes(range(256)) * 3
    offsets: list[int] = []

    def pread(_fd: int, size: int, offset: int) -> bytes:
        offsets.append(offset)
        return content[offset : offset + min(size, 100)]  # as a page of the kernel

    monkeypatch.setattr(os, "pread", pread)
    assert read_records(99, 16384) == content
    assert offsets == [0, 100, 200, 300, 400, 500, 600, 700, 768]


def test_a_record_file_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not block the tick."""
    monkeypatch.setattr(files_module, "MAX_FILE_BYTES", 1000)  # instead of 64 MiB
    monkeypatch.setattr(os, "pread", lambda *_: b"x" * 100)
    with pytest.raises(ParseError, match="does not end"):
        read_records(99)


@pytest.mark.parametrize("number", [errno.ESRCH, errno.ENODEV])
def test_a_file_is_opened_again_if_its_object_is_gone(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """After ESRCH and ENODEV, another process or device may have the path."""
    tree.put("proc/x", "content")
    kept = tree.files.proc("x", identity)
    kept.read(tree.tick())
    real, failures = os.pread, [OSError(number, "gone")]

    def pread(fd: int, size: int, offset: int) -> bytes:
        if failures:
            raise failures.pop()
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    assert kept.read(tree.tick()) == b"content"


@pytest.mark.parametrize(("number", "tries"), [(errno.ENODEV, 2), (errno.EIO, 1)])
def test_an_error_closes_the_descriptor(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, number: int, tries: int
) -> None:
    """It is raised, and nothing stays open."""
    tree.put("proc/x", "content")
    kept = tree.files.proc("x", identity)
    kept.read(tree.tick())
    calls = []

    def pread(fd: int, _size: int, _offset: int) -> bytes:
        calls.append(fd)
        raise OSError(number, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", pread)
        with pytest.raises(OSError, match="no"):
            kept.read(tree.tick())
    assert len(calls) == tries
    for fd in calls:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(fd)
    assert kept.read(tree.tick()) == b"content"


def test_a_failing_parser_never_returns_an_old_value(tree: Tree) -> None:
    """Its exception is raised in each call."""
    broken = False

    def parse(content: bytes) -> bytes:
        if broken:
            raise TypeError("a bug in the parser")
        return content

    tree.put("proc/x", "one")
    kept = tree.files.proc("x", parse)
    assert kept.read(tree.tick()) == b"one"
    broken = True
    tree.put("proc/x", "two")
    now = tree.tick()
    for _ in range(2):
        with pytest.raises(TypeError):
            kept.read(now)


def test_net_and_mounts_of_another_host_are_those_of_its_process_1(tree: Tree) -> None:
    """In a host's /proc inside a container, ``self`` and ``net`` are this program's."""
    tree.put("proc/net/dev", "ours")
    tree.put("proc/self/mountinfo", "ours")
    assert tree.files.net("dev", identity).read(tree.tick()) == b"ours"
    assert tree.files.mountinfo(identity).read(tree.tick()) == b"ours"
    tree.put("proc/1/net/dev", "the host's")
    tree.put("proc/1/mountinfo", "the host's")
    files = Files(tree.proc, tree.sys, tree.clock)
    assert files.net("dev", identity).read(tree.tick()) == b"the host's"
    assert files.mountinfo(identity).read(tree.tick()) == b"the host's"
    assert files.net_path("tcp") == f"{tree.proc}/1/net/tcp"
    files.close()


def test_the_running_system_uses_self() -> None:
    """/proc may be spelt in several ways."""
    files = Files("/proc", "/sys", Clock())
    assert files.is_system
    assert files.net_path("tcp") == "/proc/net/tcp"
    assert files.mountinfo_path == "/proc/self/mountinfo"


def test_a_parse_error_names_its_file(tree: Tree) -> None:
    """Path, line and reason."""

    def parse(_content: bytes) -> int:
        raise ParseError("no count", line=3)

    tree.put("proc/stat", "x")
    with pytest.raises(ParseError) as caught:
        tree.files.proc("stat", parse).read(tree.tick())
    assert str(caught.value) == f"{tree.proc}/stat:3: no count"


@pytest.mark.parametrize(
    "fails", [int, lambda c: c.split()[9], lambda _: dict[str, int]()["x"], lambda _: 1.0 * 10**400]
)
def test_a_parser_raises_only_parse_errors(fails: Callable[[bytes], object]) -> None:
    """The usual exceptions of split() and int() are its cause."""
    with pytest.raises(ParseError) as caught:
        parser(fails)(b"words only")
    assert caught.value.__cause__ is not None


def test_a_closed_file_is_opened_by_the_next_read(tree: Tree) -> None:
    """close() may be called again."""
    tree.put("proc/x", "content")
    files = Files(tree.proc, tree.sys, tree.clock)
    kept = files.proc("x", identity)
    kept.read(tree.tick())
    files.close()
    assert kept.read(tree.tick()) == b"content"
    files.close()
    files.close()
