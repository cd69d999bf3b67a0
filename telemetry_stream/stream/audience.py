"""The audience of one host: its viewers, grouped by their choices, and what each choice gets.

A text is made once for each distinct choice, and on the thread of the hub, so that the publisher does the same work for
one choice as for a thousand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..hub import End, Hub, Many
from .choice import Choice
from .many import many
from .ring import Entry, Ring


class Audience:
    """The viewers of the host with the id ``host``, as ``hub`` has them now. Any thread may call any method."""

    def __init__(self, hub: Hub, host: str) -> None:
        self._hub = hub
        self._host = host

    def broadcast(self, text: bytes) -> None:
        """Send each viewer this message."""
        self._hub.broadcast_each(
            (choice, choice.framing.message(text)) for choice in self._choices()
        )

    def broadcast_samples(self, entries: Sequence[Entry], ring: Ring) -> None:
        """Send each viewer what its choice contains of these samples, which ``ring`` remembers."""
        if self._hub.topics_of(self._host):  # else ts-hub would wake up for nothing
            self._hub.broadcast_each(self._frames(entries, ring))

    def close(self) -> None:
        """Close all viewers with 1001: they reconnect."""
        for client in self._hub.clients():
            if isinstance(client.topic, Choice) and client.topic.host == self._host:
                client.close(End.GOING_AWAY)

    def sections(self) -> tuple[Collection[str] | None, ...]:
        """What the viewers have chosen: the default sections (None), and all that are named. Empty without a viewer."""
        chosen = [choice.sections for choice in self._choices()]
        if not chosen:
            return ()
        named = [sections for sections in chosen if sections is not None]
        default = (None,) if len(named) < len(chosen) else ()
        return (*default, set().union(*named)) if named else default

    def _choices(self) -> Iterator[Choice]:
        """Yield the distinct choices."""
        for topic in self._hub.topics_of(self._host):
            if isinstance(topic, Choice):
                yield topic

    def _frames(
        self, entries: Sequence[Entry], ring: Ring
    ) -> Iterator[tuple[Choice, bytes | Many]]:
        """Yield what each choice contains of the entries. Runs on ``ts-hub``.

        The queue of a viewer has no room for many frames, so its write pump makes each one when it can write it.
        """
        texts: dict[tuple[int, tuple[str, ...] | None], bytes] = {}
        for choice in self._choices():
            chosen = [entry for entry in entries if entry.seq % choice.every == 0]
            if len(chosen) > 1:
                yield choice, many(choice, ring, chosen)
            elif chosen:
                (entry,) = chosen
                key = entry.seq, choice.sections
                if key not in texts:
                    texts[key] = entry.text(choice.sections)
                yield choice, choice.framing.message(texts[key])
