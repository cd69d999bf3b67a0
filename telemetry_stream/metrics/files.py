"""Kernel files that are read again and again: they stay open, and ``pread`` at offset 0 makes the kernel write them
anew.

Strategy: a collector has one ``Files``, which has one ``KeptFile`` per path. Two sources that need /proc/stat share one
read, one parse and one reading time per tick. The kernel has two kinds of files (tried on Linux 6.18):

- A *single-record* file (stat, meminfo) is returned whole if the buffer is large enough. If the buffer is full,
  it grows.
- A *record* file (net/dev, diskstats, mountinfo, vmstat, zoneinfo) is returned a page at a time, whatever the buffer.
  It is read until the kernel returns nothing.

If the object behind a descriptor is gone (ESRCH: process; ENODEV: device, control group), the file is opened again
once; a second error is raised. Not thread-safe: only the collecting thread may read. This module does not interpret
content.
"""

from __future__ import annotations

import errno
import functools
import math
import os
from collections.abc import Callable
from typing import Generic, TypeVar

from .attributes import Budget, maybe_read_once
from .source import Clock, Now

T = TypeVar("T")

INITIAL_BUFFER_BYTES = 4096
RECORD_BUFFER_BYTES = 16384
# A file without an end (a broken FUSE filesystem, a made-up tree) must not block the tick. The largest real file,
# /proc/net/tcp with 100 000 sockets, is not read through this module.
MAX_FILE_BYTES = 64 * 1024 * 1024
# An open() that fails costs 10 µs, and a running kernel hardly gets a file that it does not have.
RETRY_SECONDS = 30.0
NOT_SUPPORTED = frozenset({errno.ENOENT, errno.EOPNOTSUPP})
# Errors that do not pass while the program runs.
LASTING = NOT_SUPPORTED | {errno.EACCES, errno.EPERM}
OBJECT_GONE = frozenset({errno.ESRCH, errno.ENODEV})


class ParseError(Exception):
    """A file that cannot be parsed: its path, the line (from 1), and the reason."""

    def __init__(self, reason: str, *, line: int | None = None, path: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.path = path

    def __str__(self) -> str:
        where = self.path or "content"
        return f"{where}{f':{self.line}' if self.line else ''}: {self.reason}"


def parser(parse: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Decorate a parser so that the usual exceptions of split() and int() become ParseError."""

    @functools.wraps(parse)
    def guarded(content: bytes) -> T:
        try:
            return parse(content)
        except (ValueError, IndexError, KeyError, OverflowError) as error:
            raise ParseError(f"{type(error).__name__}: {error}") from error

    return guarded


class KeptFile(Generic[T]):
    """One kernel file that is kept open, and its parser. It is read at most once per tick."""

    def __init__(
        self,
        path: str,
        parse: Callable[[bytes], T],
        monotonic: Callable[[], float],
        *,
        records: bool = False,
    ) -> None:
        self.path = path
        # When the content was read, in seconds: rates of this file divide by the difference.
        self.monotonic = 0.0
        self._parse = parse
        self._clock = monotonic
        self._records = records
        self._fd = -1
        self._buffer_bytes = RECORD_BUFFER_BYTES if records else INITIAL_BUFFER_BYTES
        self._tick = -1
        self._error: Exception | None = None
        self._parsed: bytes | None = None  # the content that the value was parsed from
        self._value: T | None = None
        self._retry_at = -math.inf

    def read(self, now: Now) -> T:
        """Return the parsed content of this tick. Raises OSError or ParseError, the same one until the next tick."""
        if now.tick != self._tick:
            try:
                content = self._content()
                # A parser is pure: the same content has the same value.
                if content != self._parsed:
                    self._parsed = None
                    self._value = self._parse(content)
                    self._parsed = content
                self._error = None
            except ParseError as error:
                error.path = self.path
                self._error = error
            except OSError as error:
                self._error = error
            self._tick = now.tick
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set whenever there is no error

    def maybe_read(self, now: Now) -> T | None:
        """Return the parsed content, or None if the file is not needed for its section and is unavailable.

        ``error`` has the reason. A file that this kernel does not have, or that this user may not read, is tried again
        only after RETRY_SECONDS.
        """
        if now.monotonic < self._retry_at:
            return None
        try:
            return self.read(now)
        except ParseError:
            return None
        except OSError as error:
            if error.errno in LASTING:
                self._retry_at = now.monotonic + RETRY_SECONDS
            return None

    @property
    def error(self) -> Exception | None:
        """Why the last reading failed, or None."""
        return self._error

    @property
    def fd(self) -> int:
        """The descriptor for poll(), or -1 if the file is not open."""
        return self._fd

    def close(self) -> None:
        """Close the descriptor. The next read opens the file again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _content(self) -> bytes:
        if self._fd >= 0:
            try:
                return self._pread()
            except OSError as error:
                self.close()
                if error.errno not in OBJECT_GONE:
                    raise
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self._pread()
        except OSError:
            self.close()
            raise

    def _pread(self) -> bytes:
        self.monotonic = self._clock()
        if self._records:
            return read_records(self._fd, self._buffer_bytes)
        content = os.pread(self._fd, self._buffer_bytes, 0)
        while len(content) >= self._buffer_bytes:
            if self._buffer_bytes >= MAX_FILE_BYTES:
                raise ParseError("does not end", path=self.path)
            self._buffer_bytes *= 2
            content = os.pread(self._fd, self._buffer_bytes, 0)
        return content


def read_records(fd: int, buffer_bytes: int = RECORD_BUFFER_BYTES) -> bytes:
    """Return the whole record file. Only an empty read is its end, a short one is not. Offsets only increase."""
    content = os.pread(fd, buffer_bytes, 0)
    offset = len(content)
    if not content:
        return content
    parts = [content]
    while content := os.pread(fd, buffer_bytes, offset):
        parts.append(content)
        offset += len(content)
        if offset > MAX_FILE_BYTES:
            raise ParseError("does not end")
    return b"".join(parts) if len(parts) > 1 else parts[0]


class Files:
    """The kernel files of one collector, below its two roots."""

    def __init__(self, proc_root: str, sys_root: str, clock: Clock) -> None:
        self.proc_root = proc_root
        self.sys_root = sys_root
        self.clock = clock
        self.budget = Budget()
        # Whether proc_root is the /proc of the system that this program runs on.
        self.is_system = os.path.realpath(proc_root) == "/proc"
        # The root directory of the host that proc_root shows. That of another host is readable for root only.
        self.host_root = "/" if self.is_system else os.path.join(proc_root, "1", "root")
        self._kept: dict[str, KeptFile[object]] = {}
        # In the procfs of another host, "self" is still this program in its own namespaces; process 1 is the host's.
        self._net, self._mounts = "net", "self"
        if not self.is_system:
            if maybe_read_once(os.path.join(proc_root, "1/net/dev")) is not None:
                self._net = "1/net"
            if maybe_read_once(os.path.join(proc_root, "1/mountinfo")) is not None:
                self._mounts = "1"

    def proc(self, path: str, parse: Callable[[bytes], T], *, records: bool = False) -> KeptFile[T]:
        """Return the file at ``path`` below proc_root. The same path gives the same object; it has one parser."""
        path = os.path.join(self.proc_root, path)
        kept = self._kept.get(path)
        if kept is None:
            kept = KeptFile(path, parse, self.clock.monotonic, records=records)
            self._kept[path] = kept
        return kept  # type: ignore[return-value]  # the caller's parser is the one it was made with

    def net(self, name: str, parse: Callable[[bytes], T], *, records: bool = False) -> KeptFile[T]:
        """Return a file of net/, in the network namespace of the host that proc_root shows."""
        return self.proc(f"{self._net}/{name}", parse, records=records)

    def net_path(self, name: str) -> str:
        """Return the path that ``net`` uses."""
        return os.path.join(self.proc_root, self._net, name)

    def mountinfo(self, parse: Callable[[bytes], T]) -> KeptFile[T]:
        """Return the mountinfo of the host that proc_root shows."""
        return self.proc(f"{self._mounts}/mountinfo", parse, records=True)

    @property
    def mountinfo_path(self) -> str:
        """The path that ``mountinfo`` uses."""
        return os.path.join(self.proc_root, self._mounts, "mountinfo")

    def close(self) -> None:
        """Close every descriptor. A later read opens its file again."""
        for kept in self._kept.values():
            kept.close()
