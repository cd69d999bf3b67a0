"""A command as a receiver: started for each message without a shell.

The message is JSON on its standard input, and in its environment in short form. It gets no other variables than those
that programs need, so none of the secrets of this one.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from .channel import Capacity, DeliveryError
from .child import KEPT_VARIABLES, Child
from .message import Message

PREFIX = "TELEMETRY_STREAM_ALERT_"
MAX_VARIABLE_CHARACTERS = 8000


@dataclass(frozen=True, slots=True)
class Command:
    """The channel of a receiver with a command."""

    arguments: tuple[str, ...]
    limit_seconds: float

    @property
    def target(self) -> str:
        """The program without its arguments."""
        return self.arguments[0]

    @property
    def capacity(self) -> Capacity:
        return Capacity()

    def sender(self) -> CommandSender:
        return CommandSender(self)


class CommandSender:
    """Runs the command of one receiver."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._child = Child()

    def send(self, message: Message) -> None:
        """Run the command once. Raises DeliveryError unless its exit status is 0."""
        command = self._command
        status = self._child.run(
            command.arguments,
            json.dumps(message.report()).encode(),
            environment=variables(message),
            limit_seconds=command.limit_seconds,
        )
        if status:
            raise DeliveryError(f"it ends with {_words(status)}")

    def begin(self) -> None:
        self._child.begin()

    def abort(self) -> None:
        self._child.abort()


def variables(message: Message) -> dict[str, str]:
    """Return the environment of a command."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    short = {
        "TITLE": message.title,
        "TEXT": message.text[:MAX_VARIABLE_CHARACTERS],
        "SEVERITY": message.severity,
        "COUNT": str(len(message.events)),
        "TEST": str(int(message.is_test)),
    }
    return kept | {f"{PREFIX}{name}": value for name, value in short.items()}


def _words(status: int) -> str:
    return f"status {status}" if status > 0 else f"signal {-status}"
