"""The thread ``ts-mqtt``: publishes this host on one of the brokers.

Nothing else waits for it: samples reach it as they reach any viewer, through a queue of the hub.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .. import __version__
from ..stream import Stream
from . import messages
from .agent import Agent, Confirmation
from .brokers import Access, Broker
from .connector import CLOSE_SECONDS, Connector
from .discovery import discovery
from .session import Session
from .topics import DEFAULT_SITE, Topics


class Publisher:
    """Publishes the first host of ``stream`` from ``start`` to ``close``.

    ``home_assistant``: publish device discovery, too. ``on_crash`` is called if the thread dies of an unexpected error.
    Any thread may call any method.
    """

    def __init__(
        self,
        stream: Stream,
        brokers: Sequence[Broker],
        access: Access,
        *,
        prefix: str,
        home_assistant: bool = False,
        site: str = DEFAULT_SITE,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._stream = stream
        self._prefix = prefix
        self._site = site
        self._home_assistant = home_assistant
        self._connector = Connector("ts-mqtt", brokers, access, on_crash=on_crash)
        self._confirmation = Confirmation()
        self._topics: Topics
        self._discovery: list[tuple[str, bytes]] = []

    def start(self) -> None:
        """Start the thread. Raises ValueError (AccessError) with one sentence, and LookupError if there is no host."""
        host = self._stream.feed().host
        self._topics = Topics(self._prefix, self._site, host.id)
        if self._home_assistant:
            self._discovery = [discovery(self._topics, host, __version__)]
        self._connector.start(host.id, self._serve, self._will)

    def stop(self) -> None:
        """Begin to stop, without waiting."""
        self._connector.stop()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop, and wait up to ``seconds`` for the thread. Safe to repeat, and before ``start``."""
        self._connector.close(seconds)

    def _will(self) -> tuple[str, bytes]:
        return self._topics.of("state"), messages.state("lost", self._stream.feed().id)

    def _serve(self, session: Session) -> None:
        waiter = self._connector.waiter
        agent = Agent(
            session,
            self._stream,
            self._topics,
            wake=waiter.wake,
            confirmation=self._confirmation,
            extra=self._discovery,
        )
        try:
            agent.begin(time.monotonic())
            seconds = agent.serve((), time.monotonic())
            while session.end is None and not waiter.is_stopped and not agent.has_ended:
                received = session.exchange(seconds)
                seconds = agent.serve(received, time.monotonic())
            if waiter.is_stopped:
                agent.publish_gone()
        finally:
            agent.close()
