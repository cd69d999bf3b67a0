"""Services that the package apprise supports, through its URLs, which contain secrets.

It is imported only in a process of its own for each message: a service that hangs can be ended with it, and the memory
of the package is free afterwards. The URL reaches that process by its standard input, which no other user can see.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

from .channel import Capacity, DeliveryError
from .child import KEPT_VARIABLES, Child
from .message import Message
from .secret import Secret, SecretError

TYPES = {"critical": "failure", "warning": "warning", "info": "info", "resolved": "success"}
LIMIT_SECONDS = 30.0

# The exit status of the process.
FAILED, NOT_INSTALLED, UNKNOWN_URL = 3, 4, 5
REASONS = {
    FAILED: "the service did not accept the message",
    NOT_INSTALLED: "the package apprise is not installed (pip install 'telemetry_stream[notify]')",
    UNKNOWN_URL: "apprise does not support this URL",
}


@dataclass(frozen=True, slots=True)
class Apprise:
    """The channel of a receiver with a URL of apprise."""

    url: Secret

    @property
    def target(self) -> str:
        return "apprise"

    @property
    def capacity(self) -> Capacity:
        return Capacity(20, 3000)

    def sender(self) -> AppriseSender:
        return AppriseSender(self)


class AppriseSender:
    """Sends the messages of one receiver."""

    def __init__(self, apprise: Apprise) -> None:
        self._apprise = apprise
        self._child = Child()

    def send(self, message: Message) -> None:
        """Send one message. Raises DeliveryError."""
        try:
            url = self._apprise.url.read()
        except SecretError as error:
            raise DeliveryError(str(error)) from None
        content = {
            "url": url,
            "title": message.title,
            "body": message.text,
            "type": TYPES[message.severity],
        }
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        status = self._child.run(
            # -P: the working directory is no place for modules.
            (sys.executable, "-P", "-m", "telemetry_stream.notify.apprise"),
            json.dumps(content).encode(),
            environment={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            limit_seconds=LIMIT_SECONDS,
        )
        if status:
            raise DeliveryError(REASONS.get(status, f"its process ends with status {status}"))

    def begin(self) -> None:
        self._child.begin()

    def abort(self) -> None:
        self._child.abort()


def main() -> int:
    """Send the message of the standard input. Runs in the process of one message."""
    try:
        import apprise  # noqa: PLC0415  # only here
    except ModuleNotFoundError:
        return NOT_INSTALLED
    content = json.load(sys.stdin.buffer)
    service = apprise.Apprise()
    if not service.add(content["url"]):
        return UNKNOWN_URL
    sent = service.notify(
        title=content["title"],
        body=content["body"],
        notify_type=content["type"],
        body_format=apprise.NotifyFormat.TEXT,
    )
    return 0 if sent else FAILED


if __name__ == "__main__":
    sys.exit(main())
