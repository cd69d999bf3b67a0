"""Sends one buffer to many sockets with one system call, by io_uring(7).

Relies on Linux 5.11 (io_uring_enter with a timeout) on a 64-bit machine, and on ctypes, because Python has no function
for these system calls. Does not depend on transports, hub or viewers: it gets descriptors, and returns how much each
of them took.

Strategy. A ring has two queues in memory that is shared with the kernel (io_uring_setup(2)). An entry of the submission
queue describes one send; the kernel adds an entry to the completion queue when that send has ended. All entries are
laid out once. A broadcast changes the address, the length and the descriptors in them, each with one strided copy
instead of a loop in Python. One io_uring_enter(2) then makes all sends.

No send ever waits: MSG_DONTWAIT makes a send that would block complete at once with EAGAIN. Therefore all completions
are there when the call returns, no worker thread of the kernel takes part, and the kernel refers to the buffer only
during the call. ``_self_test`` checks exactly this before a ring is used. If a completion is missing nevertheless, the
buffer is kept, and the completion is waited for.

The layout, in bytes. It is part of the kernel's ABI (include/uapi/linux/io_uring.h):

    io_uring_params  120: sq_entries 0, cq_entries 4, flags 8, features 20, offsets of the submission ring 40 and of the
                     completion ring 80. These offsets have the order head, tail, mask, entries, ...
    submission entry 64: opcode 0, descriptor 4, address 16, length 24, flags of send(2) 28, user_data 32
    completion entry 16: user_data 0, result 8 (bytes, or a negative errno)
    submission array 4: the index of an entry. The kernel takes entries in the order of this ring of indices, so that
                     the entries of a call can always be the first ones, wherever the head of the ring is.

Memory ordering. The kernel reads the submission queue, and writes the completion queue, inside our own system call, on
the thread that made it (no IORING_SETUP_SQPOLL). A thread sees its own writes in order, on every architecture, so the
barriers of liburing are not needed here. Only io_uring_enter(2) waits for a completion that comes from another thread,
and returns after it was written. Head and tail are each written as one aligned 32-bit word.

fork(2) copies the mappings, so a child must not use them; each call compares the process id. execve(2) closes the
descriptor (the kernel opens it with O_CLOEXEC, and Python its copies too).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import mmap
import os
import socket
import sys
from array import array
from collections.abc import Sequence

log = logging.getLogger(__name__)

# io_uring_setup(2) and io_uring_enter(2). The numbers are the same on all 64-bit architectures except alpha and mips,
# where they belong to no system call, so that setup fails with ENOSYS.
SETUP, ENTER = 425, 426

# io_uring_enter(2): wait for completions; the last argument is a struct io_uring_getevents_arg with a timeout.
ENTER_GETEVENTS, ENTER_EXT_ARG = 1 << 0, 1 << 3

# io_uring_setup(2), features: that last argument (Linux 5.11). Kernels that have it also have one mapping for both
# rings (5.4), lose no completion (5.5), and have IORING_OP_SEND (5.6).
FEATURE_EXT_ARG = 1 << 8

# io_uring_setup(2), offsets for mmap(2). The rings are at 0.
ENTRIES_OFFSET = 0x10000000

OP_SEND = 26
SEND_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
MMAP_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)

# Indices in the offsets of io_uring_params.
HEAD, TAIL = 0, 1
SUBMISSION_ARRAY = 6
COMPLETION_ENTRIES = 5

ENTRY_BYTES, COMPLETION_BYTES = 64, 16

# A send that had no effect: the same bytes can be sent again.
NOTHING_TAKEN = frozenset((-errno.EAGAIN, -errno.EINTR, -errno.ECANCELED))

# For completions that are missing when the call returns. None of ours should be.
COMPLETION_SECONDS = 1.0


class UnavailableError(Exception):
    """io_uring cannot be used here: one phrase with the reason."""


class Ring:
    """A pair of rings for up to ``entries`` sends per call. Raises UnavailableError. ``close`` must be called.

    One thread at a time may use a ring. ``failure`` is None while the ring works. After a failure it sends nothing
    more: ``send`` returns 0 for every descriptor.
    """

    def __init__(self, entries: int) -> None:
        """``entries`` is a power of two, up to 32768. A ring of 256 takes 25 KiB in the kernel."""
        self.entries = entries
        self.failure: OSError | None = None
        self._pid = os.getpid()
        self._kernel = _Kernel()
        self._closing = contextlib.ExitStack()
        try:
            self._set_up()
            _self_test(self)
        except OSError as error:
            self.close()
            raise UnavailableError(_reason(error)) from error
        except BaseException:
            self.close()
            raise

    def _set_up(self) -> None:
        params = array("I", bytes(120))
        address, _ = params.buffer_info()
        self._fd = self._kernel.call(SETUP, self.entries, address)
        self._closing.callback(os.close, self._fd)
        if not params[5] & FEATURE_EXT_ARG:
            raise UnavailableError("it requires Linux 5.11")
        submission, completion = params[10:20], params[20:30]
        completions = params[1]
        size = max(
            submission[SUBMISSION_ARRAY] + 4 * self.entries,
            completion[COMPLETION_ENTRIES] + COMPLETION_BYTES * completions,
        )
        rings = self._map(size, 0)
        self._words = self._view(rings, "I")
        self._submission_tail = submission[TAIL] // 4
        self._completion_head = completion[HEAD] // 4
        self._completion_tail = completion[TAIL] // 4
        self._completion_mask = completions - 1
        self._first_completion = completion[COMPLETION_ENTRIES] // 4
        start = submission[SUBMISSION_ARRAY] // 4
        self._array = self._part(self._words, start, start + self.entries, 1)
        self._indices = memoryview(array("I", range(self.entries)))
        self._lay_out(self._map(ENTRY_BYTES * self.entries, ENTRIES_OFFSET))

    def _lay_out(self, entries: mmap.mmap) -> None:
        """Write what is the same in all sends, and keep a strided view of each field that changes."""
        octets, signed = self._view(entries, "B"), self._view(entries, "i")
        words, longs = self._view(entries, "I"), self._view(entries, "Q")
        octets[0::64] = bytes((OP_SEND,)) * self.entries
        words[7::16] = array("I", (SEND_FLAGS,)) * self.entries
        longs[4::8] = array("Q", range(self.entries))
        self._descriptors = self._part(signed, 1, None, 16)
        self._addresses = self._part(longs, 2, None, 8)
        self._lengths = self._part(words, 6, None, 16)
        self._frame = b""  # its address and length are in the first ``_laid_out`` entries
        self._laid_out = 0
        self._whole = b""  # the results if each of as many sockets takes all of it

    def _map(self, size: int, offset: int) -> mmap.mmap:
        mapped = mmap.mmap(self._fd, size, flags=MMAP_FLAGS, offset=offset)
        self._closing.callback(mapped.close)
        return mapped

    def _view(self, mapped: mmap.mmap, form: str) -> memoryview:
        whole = self._closing.enter_context(memoryview(mapped))
        return self._closing.enter_context(whole.cast(form))  # type: ignore[call-overload]

    def _part(self, view: memoryview, start: int, stop: int | None, step: int) -> memoryview:
        return self._closing.enter_context(view[start:stop:step])

    def close(self) -> None:
        """Unmap and close everything. Safe to call twice."""
        self._closing.close()

    def send(self, frame: bytes, descriptors: Sequence[int]) -> list[int]:
        """Send ``frame`` to each of these sockets, without waiting. Return the results in the same order.

        A result is the number of bytes taken, which is 0 if the socket is full, or a negative errno. The caller makes
        sure that no descriptor is closed meanwhile. After a failure of the ring, the results are still right: 0 for all
        sockets that got nothing.
        """
        results: list[int] = []
        for start in range(0, len(descriptors), self.entries):
            results += self._send_some(frame, descriptors[start : start + self.entries])
        return results

    def _send_some(self, frame: bytes, descriptors: Sequence[int]) -> list[int]:
        count = len(descriptors)
        if self.failure is None and os.getpid() != self._pid:
            self.failure = OSError(errno.EPERM, "the ring belongs to another process")
        if self.failure is not None:
            return [0] * count
        if frame is not self._frame or count > self._laid_out:
            self._frame, self._laid_out = frame, count
            self._addresses[:count] = array("Q", (self._kernel.address(frame),)) * count
            lengths = array("I", (len(frame),)) * count
            self._lengths[:count] = lengths
            self._whole = lengths.tobytes()
        self._descriptors[:count] = array("i", descriptors)
        submitted = self._submit(count)
        return self._complete(submitted) + [0] * (count - submitted)

    def _submit(self, count: int) -> int:
        """Have the kernel make the sends of the first ``count`` entries. Return how many it has taken."""
        words = self._words
        tail = words[self._submission_tail]
        start = tail & self.entries - 1
        fitting = min(count, self.entries - start)
        self._array[start : start + fitting] = self._indices[:fitting]
        self._array[: count - fitting] = self._indices[fitting:count]
        words[self._submission_tail] = (tail + count) & 0xFFFFFFFF
        submitted = 0
        while submitted < count and self.failure is None:
            try:
                taken = self._kernel.call(ENTER, self._fd, count - submitted)
            except OSError as error:
                self.failure = error
            else:  # fewer than all if the kernel is out of memory
                submitted += taken
                if not taken:
                    self.failure = OSError(errno.EAGAIN, "io_uring_enter takes no entry")
        return submitted

    def _complete(self, submitted: int) -> list[int]:
        """Take the completions, and return the results in the order of the entries."""
        words = self._words
        head = words[self._completion_head]
        ready = min(submitted, words[self._completion_tail] - head & 0xFFFFFFFF)
        if ready < submitted:
            ready = self._wait(submitted)
        found = self._column(2, head, ready)
        if found == self._whole[: 4 * submitted]:
            results = [len(self._frame)] * submitted
        else:
            # Without its completion, it is unknown how much of the frame a socket got.
            results = [-errno.ETIMEDOUT] * submitted
            # The lower half of user_data; the other one is always 0.
            entries = self._column(0 if sys.byteorder == "little" else 1, head, ready)
            for entry, result in zip(array("I", entries), array("i", found), strict=True):
                results[entry] = 0 if result in NOTHING_TAKEN else result
        words[self._completion_head] = (head + ready) & 0xFFFFFFFF
        return results

    def _column(self, word: int, head: int, count: int) -> bytes:
        """Return one word of each of ``count`` completions from ``head`` on, where the ring may begin again."""
        start = head & self._completion_mask
        fitting = min(count, self._completion_mask + 1 - start)
        first = self._first_completion + word
        found = self._words[first + 4 * start : first + 4 * (start + fitting) : 4].tobytes()
        if fitting < count:
            found += self._words[first : first + 4 * (count - fitting) : 4].tobytes()
        return found

    def _wait(self, submitted: int) -> int:
        """Wait up to ``COMPLETION_SECONDS`` until there are ``submitted`` completions. Return how many there are.

        The kernel also moves completions into the ring that had no room there before.
        """
        nanoseconds = array("q", divmod(int(COMPLETION_SECONDS * 1e9), 10**9))
        # struct io_uring_getevents_arg: no signal mask, and the address of the timeout.
        argument = array("Q", (0, 0, nanoseconds.buffer_info()[0]))
        flags = ENTER_GETEVENTS | ENTER_EXT_ARG
        address, size = argument.buffer_info()[0], argument.itemsize * len(argument)
        try:
            self._kernel.call(ENTER, self._fd, 0, submitted, flags, address, size)
        except OSError as error:
            log.debug("io_uring_enter waits for %d sends: %s", submitted, error)
        words = self._words
        ready = words[self._completion_tail] - words[self._completion_head] & 0xFFFFFFFF
        if ready < submitted:
            self.failure = OSError(errno.ETIMEDOUT, "a send is not completed")
        return min(submitted, ready)


class _Kernel:
    """The system calls, through ctypes. Raises UnavailableError."""

    def __init__(self) -> None:
        if sys.platform != "linux" or sys.maxsize < 1 << 32:
            raise UnavailableError("it requires a 64-bit Linux")
        try:
            import ctypes  # noqa: PLC0415 (loads a library that only this module uses)

            self._syscall = ctypes.CDLL(None, use_errno=True).syscall
        except (ImportError, MemoryError, OSError) as error:
            raise UnavailableError("ctypes is unavailable") from error
        self._ctypes = ctypes
        self._syscall.restype = ctypes.c_long
        self._syscall.argtypes = [ctypes.c_long] * 7

    def call(self, number: int, *arguments: int) -> int:
        """Make a system call with up to six arguments, without the interpreter's lock. Raises OSError."""
        padding = (0,) * (6 - len(arguments))
        result: int = self._syscall(number, *arguments, *padding)
        if result < 0:
            code = self._ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return result

    def address(self, frame: bytes) -> int:
        """Return where the bytes of ``frame`` are in memory, as long as it is referred to."""
        return self._ctypes.cast(self._ctypes.c_char_p(frame), self._ctypes.c_void_p).value or 0


def _self_test(ring: Ring) -> None:
    """Check with two sockets what the module relies on. Raises UnavailableError or OSError."""
    frame = b"test"
    sender, receiver = socket.socketpair()
    with sender, receiver:
        sender.setblocking(False)
        # The smallest buffer that the kernel allows.
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0)
        taken = ring.send(frame, (sender.fileno(),))
        if taken != [len(frame)] or receiver.recv(len(frame)) != frame:
            raise UnavailableError(f"self-test: a send returned {taken}")
        try:
            while True:
                sender.send(bytes(4096))
        except BlockingIOError:
            taken = ring.send(frame, (sender.fileno(),))
        if taken != [0] or ring.failure is not None:
            raise UnavailableError(f"self-test: a send to a full socket returned {taken}")


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSYS:
        return "the kernel does not have it"
    if error.errno in (errno.EPERM, errno.EACCES):
        return "it is not permitted (kernel.io_uring_disabled, or a seccomp filter)"
    if error.errno == errno.ENOMEM:
        return "not enough memory, or locked memory (ulimit -l)"
    return error.strerror or str(error)
