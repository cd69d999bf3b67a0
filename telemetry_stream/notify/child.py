"""A process for one attempt: it has a time limit, can be aborted, and is ended with its group."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

from .channel import DeliveryError

# Of this program's environment, those that programs need: none is a secret.
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "TMPDIR")


class Child:
    """A process that runs at most for a time. ``_lock`` guards ``_process`` and ``_aborted``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._aborted = False

    def begin(self) -> None:
        """Begin an attempt: what was aborted before does not count."""
        with self._lock:
            self._aborted = False

    def run(
        self,
        arguments: tuple[str, ...],
        content: bytes,
        *,
        environment: dict[str, str],
        limit_seconds: float,
    ) -> int:
        """Run a program with ``content`` as its standard input; return its status, negative for a signal.

        It is the leader of a new session, and all processes of its group are killed at the end. Raises DeliveryError.
        """
        # A file, not a pipe: a program that does not read its input cannot delay us.
        descriptor = os.memfd_create("alert", os.MFD_CLOEXEC)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.lseek(descriptor, 0, os.SEEK_SET)
            process = self._start(arguments, descriptor, environment)
        except OSError as error:
            raise DeliveryError(f"it cannot be started: {error.strerror}") from None
        finally:
            os.close(descriptor)
        try:
            return process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"it runs for more than {limit_seconds:g} s") from None
        finally:
            self._end(process)

    def abort(self) -> None:
        """Kill the process that runs, and its group."""
        with self._lock:
            self._aborted = True
            if self._process is not None:
                _kill_group(self._process)

    def _start(
        self, arguments: tuple[str, ...], descriptor: int, environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._aborted:
                raise DeliveryError("aborted")
        # Without the lock: execve(2) may hang on a file system that does not answer, and an abort must not wait for it.
        process = subprocess.Popen(  # noqa: S603  # the user's command, not a shell
            arguments,
            stdin=descriptor,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        with self._lock:
            self._process = process
            if self._aborted:  # meanwhile
                _kill_group(process)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is left of the group, and collect the status."""
        _kill_group(process)
        process.wait()
        with self._lock:
            self._process = None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its group.

    The group exists as long as one of its processes is, and nobody else can get its number before that. Once all of
    them have ended and the leader was collected, the number may belong to another group after the kernel has used all
    other ones; the call follows the end by microseconds.
    """
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # all have ended
