"""A channel: how messages reach one receiver. A sender makes its attempts, one after the other."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from .message import Message

# For one attempt, from the name lookup to the end of the answer. The caller aborts an attempt that takes longer.
ATTEMPT_SECONDS = 15.0


class DeliveryError(Exception):
    """A message was not accepted: one sentence without a secret.

    ``is_final``: the message itself is refused, so that a repetition would be too. ``retry_seconds``: no attempt
    is allowed before. ``is_delivered``: it was accepted, but not for everybody, so a repetition would reach some
    a second time.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_final: bool = False,
        is_delivered: bool = False,
        retry_seconds: float = 0.0,
    ) -> None:
        super().__init__(reason)
        self.is_delivered = is_delivered
        self.is_final = is_final
        self.retry_seconds = retry_seconds


class Capacity(NamedTuple):
    """How much one message may contain: events, and characters of their lines."""

    events: int = 50
    characters: int = 100_000


class Sender(Protocol):
    """Makes the attempts of one receiver. One thread calls ``send``; another one calls ``begin`` and ``abort``."""

    def begin(self) -> None:
        """Allow an attempt after one that was aborted."""

    def send(self, message: Message) -> None:
        """Deliver a message. Raises DeliveryError."""

    def abort(self) -> None:
        """Make a ``send`` in progress fail soon. Never waits."""


class Channel(Protocol):
    """The checked description of a receiver in the file. Two that are equal work in the same way."""

    @property
    def target(self) -> str:
        """Where messages go, without a secret."""

    @property
    def capacity(self) -> Capacity:
        """How much fits into one message."""

    def sender(self) -> Sender:
        """Return a new sender."""
