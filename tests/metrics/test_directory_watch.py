"""The watch of directories, with real directories and the kernel's inotify."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_stream.metrics import directory_watch
from telemetry_stream.metrics.directory_watch import MAX_WATCHED, DirectoryWatch


@pytest.fixture
def watch() -> Iterator[DirectoryWatch]:
    """A watch of nothing."""
    made = DirectoryWatch()
    yield made
    made.close()


def test_every_directory_is_reported_in_order(tmp_path: Path, watch: DirectoryWatch) -> None:
    """Also one that is made again and again, whose events the kernel would merge. Files are not."""
    names = ("one", "two")
    parents = [str(tmp_path / name) for name in names]
    for parent in parents:
        os.mkdir(parent)
    assert watch.watch(parents) == set(parents)
    for _ in range(3):
        os.mkdir(f"{parents[0]}/a-longer-name.scope")
        os.rmdir(f"{parents[0]}/a-longer-name.scope")
    (tmp_path / "one" / "file").touch()
    (tmp_path / "two" / "b\udcff").mkdir()
    assert watch.made() == [f"{parents[0]}/a-longer-name.scope"] * 3 + [f"{parents[1]}/b\udcff"]
    assert watch.made() == []


def test_more_events_than_one_read_returns(tmp_path: Path, watch: DirectoryWatch) -> None:
    """A read returns some 250 of them."""
    watch.watch([str(tmp_path)])
    paths = [f"{tmp_path}/{number:040}" for number in range(600)]
    for path in paths:
        os.mkdir(path)
    assert watch.made() == paths


def test_a_call_returns_a_limited_number(
    tmp_path: Path, watch: DirectoryWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one returns the others."""
    monkeypatch.setattr(directory_watch, "MAX_READS", 1)
    watch.watch([str(tmp_path)])
    paths = [f"{tmp_path}/{number:040}" for number in range(300)]
    for path in paths:
        os.mkdir(path)
    first = watch.made()
    assert 0 < len(first) < len(paths)
    assert first + watch.made() == paths


def test_only_the_wanted_directories_are_watched(tmp_path: Path, watch: DirectoryWatch) -> None:
    """One that does not exist, or is a file, is left out; one that is not wanted any more reports nothing."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    (tmp_path / "file").touch()
    paths = [str(one), str(tmp_path / "none"), str(tmp_path / "file")]
    assert watch.watch(paths) == {str(one)}
    assert watch.watch([*paths, str(two)]) == {str(two)}
    assert watch.watch([str(two)]) == set()
    (one / "a").mkdir()
    (two / "b").mkdir()
    assert watch.made() == [str(two / "b")]


def test_no_more_than_the_limit_are_watched(tmp_path: Path, watch: DirectoryWatch) -> None:
    """The first ones, also if others were watched before."""
    paths = [str(tmp_path / f"{number:03}") for number in range(MAX_WATCHED + 1)]
    for path in paths:
        os.mkdir(path)
    assert watch.watch(paths[1:]) == set(paths[1:])
    assert watch.watch(paths) == {paths[0]}
    os.mkdir(f"{paths[-1]}/a")
    assert watch.made() == []


def test_a_directory_that_is_made_again_is_watched_again(
    tmp_path: Path, watch: DirectoryWatch
) -> None:
    """The kernel reports that the watch has ended, but not in kernfs: there, only the inode shows it."""
    parent = tmp_path / "parent"
    parent.mkdir()
    watch.watch([str(parent)])
    parent.rmdir()
    assert watch.made() == []
    assert watch.watch([str(parent)]) == set()
    parent.mkdir()
    assert watch.watch([str(parent)]) == {str(parent)}
    parent.rename(tmp_path / "still-there")
    parent.mkdir()
    assert watch.watch([str(parent)]) == {str(parent)}
    (parent / "a").mkdir()
    assert watch.made() == [str(parent / "a")]


def test_close_ends_it(tmp_path: Path, watch: DirectoryWatch) -> None:
    """It is safe to repeat, and the watch can begin again. Without directories, nothing is opened."""
    descriptors = len(os.listdir("/proc/self/fd"))
    assert watch.watch([str(tmp_path / "none")]) == set()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    watch.watch([str(tmp_path)])
    assert len(os.listdir("/proc/self/fd")) == descriptors + 1
    for _ in range(2):
        watch.close()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert watch.made() == []
    assert watch.watch([str(tmp_path)]) == {str(tmp_path)}


def test_a_kernel_without_inotify(
    tmp_path: Path, watch: DirectoryWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a C library without it: an error, and no descriptor."""

    class Refusing:
        inotify_add_watch = inotify_rm_watch = None

        def inotify_init1(self, _: int) -> int:
            ctypes.set_errno(errno.EMFILE)
            return -1

    for library in (object(), Refusing()):
        with monkeypatch.context() as patched:
            patched.setattr(ctypes, "CDLL", lambda *_, library=library, **__: library)
            with pytest.raises(OSError, match=r"unavailable|Too many open files"):
                DirectoryWatch().watch([str(tmp_path)])
