"""``telemetry-stream notify``: checks a file of receivers, or sends a test message to each."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

from .. import threads
from ..alerts.rules_command import UsageError
from ..escape import escaped
from .channel import DeliveryError
from .config import Receiver, load
from .delivery import ABORT_SECONDS
from .message import sample_message
from .worker import attempt

USAGE = "use 'notify check FILE' or 'notify test [RECEIVER] [option ...]'"


def check(path: str) -> str:
    """Return what ``notify check`` prints. Raises NotifyError."""
    return "\n".join(f"{one.name}: {one.type}, {escaped(one.channel.target)}" for one in load(path))


def test(words: Sequence[str], path: str) -> tuple[str, bool]:
    """Run ``notify test [RECEIVER]``: send a test message, to all receivers at the same time.

    Return what is printed, and whether all were accepted. Raises UsageError and NotifyError.
    """
    if not words or words[0] != "test" or len(words) > 2:
        raise UsageError(f"notify: {USAGE}")
    if not path:
        raise UsageError("notify: name the file with --notify FILE or TELEMETRY_STREAM_NOTIFY")
    receivers = [one for one in load(path) if len(words) == 1 or one.name == words[1]]
    if not receivers:
        known = ", ".join(one.name for one in load(path))
        raise UsageError(f"notify: there is no receiver {words[1]!r} (known: {known})")
    results: dict[str, str] = {}
    done = threading.Event()
    name = socket.gethostname()
    senders = [receiver.channel.sender() for receiver in receivers]

    def send(receiver: Receiver, number: int) -> None:
        error: DeliveryError | None = attempt(
            senders[number], sample_message(name, name, time.time())
        )
        results[receiver.name] = "sent" if error is None else f"failed: {error}"
        if len(results) == len(receivers):
            done.set()

    running = [
        threads.start(f"ts-notify-{number}", send, receiver, number)
        for number, receiver in enumerate(receivers)
    ]
    if not done.wait(ABORT_SECONDS):
        for sender in senders:
            sender.abort()
    for thread in running:
        thread.join(1.0)
    lines = [
        f"{one.name} ({escaped(one.channel.target)}): {results.get(one.name, 'failed: no answer')}"
        for one in receivers
    ]
    return "\n".join(lines), all(results.get(one.name) == "sent" for one in receivers)
