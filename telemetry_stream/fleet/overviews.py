"""Sends the overview to its viewers, once per second, and before it the names of the hosts if they have changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..hub import Client, End, Hub
from .overview import (
    GROUP,
    Entry,
    OverviewChoice,
    Rows,
    Selected,
    hosts_message,
    overview_message,
)

# Of all viewers together: with 1000 hosts, ts-hub spends 1.3 ms on each every second.
MAX_SELECTIONS = 32


class Overviews:
    """The newest rows of all hosts, and their viewers at the hub. Any thread may call any method.

    ``_sending`` makes a new viewer's first messages and its registration one step between two overviews.
    """

    def __init__(self, hub: Hub, realtime: Callable[[], float]) -> None:
        self.rows = Rows()
        self._hub = hub
        self._realtime = realtime
        self._sending = threading.Lock()
        self._revision = 0
        self._entries: list[Entry] = []  # that the revision stands for
        self._ticks = 0

    def join(self, client: Client) -> bool:
        """Register ``client``, whose topic is an OverviewChoice, and queue its first messages.

        End it and return False if its selection is one too many: others may have joined since its request was checked.
        """
        choice = client.topic
        if not isinstance(choice, OverviewChoice):
            raise TypeError(f"the client's topic {choice!r} is not an OverviewChoice")
        with self._sending:
            selection, rows = choice.selection, self.rows
            if not self.has_room_for(selection):
                client.close(End.GOING_AWAY)  # when it connects again, the answer has the reason
                return False
            texts = (
                hosts_message(self._revision, rows, selection),
                overview_message(self._revision, self._now_unix(), rows, selection),
            )
            client.queue_first(map(choice.framing.message, texts))
            return self._hub.register(client)

    def has_room_for(self, selection: Selected) -> bool:
        """Whether a viewer may join with this selection: one that others have, or one of a few more."""
        present = {choice.selection for choice in self._choices()}
        return selection in present | {Selected()} or len(present) < MAX_SELECTIONS

    def _choices(self) -> list[OverviewChoice]:
        topics = self._hub.topics_of(GROUP)
        return [topic for topic in topics if isinstance(topic, OverviewChoice)]

    def report(self) -> dict[str, Any]:
        """Return the body of ``/api/v1/hosts``."""
        with self._sending:
            return {"revision": self._revision, "hosts": [row.report() for row in self.rows]}

    def send(self, rows: Rows) -> None:
        """Send the rows of this second."""
        self._ticks += 1
        entries = [row.entry for row in rows]
        with self._sending:
            self.rows = rows
            is_renamed = entries != self._entries
            if is_renamed:
                self._entries = entries
                self._revision += 1
            choices = self._choices()
            if choices:
                revision, tick = self._revision, self._ticks
                self._hub.broadcast_each(self._frames(choices, rows, revision, tick, is_renamed))

    def _frames(
        self,
        choices: Sequence[OverviewChoice],
        rows: Rows,
        revision: int,
        tick: int,
        is_renamed: bool,
    ) -> Iterator[tuple[OverviewChoice, bytes]]:
        """Yield the frames of each choice. Runs on ``ts-hub``."""
        now = self._now_unix()
        names: dict[Selected, bytes] = {}
        texts: dict[Selected, bytes] = {}
        for choice in choices:
            selection = choice.selection
            if is_renamed:
                of_all = selection._replace(top=None)
                if of_all not in names:
                    names[of_all] = hosts_message(revision, rows, of_all)
                yield choice, choice.framing.message(names[of_all])
            if tick % choice.every:
                continue
            if selection not in texts:
                texts[selection] = overview_message(revision, now, rows, selection)
            yield choice, choice.framing.message(texts[selection])

    def _now_unix(self) -> float:
        return round(self._realtime(), 3)
