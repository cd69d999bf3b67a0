"""The program as a whole: builds every part, starts them in order, stops them in reverse.

    with App(Settings(port=0)) as app:
        print(app.url)

The only module that knows all parts. A thread of ours that dies ends the program: ``wait`` returns, and ``failure``
says of what.
"""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Self

from . import __version__
from .access.guard import Guard, GuardError
from .hub import End, Hub
from .metrics.collector import Collector
from .metrics.source import Source
from .metrics.sources import DEAR
from .metrics.sources.own import SelfStats
from .metrics.ticker import Ticker
from .net import http
from .net.address import PerAddress
from .net.listener import Listener
from .server.pages import pages
from .server.routes import Routes
from .server.viewers import Viewers
from .settings import Settings
from .stream import Stream
from .websocket.connection import Timing
from .websocket.inbound import Allowance

log = logging.getLogger(__name__)

# Of the two seconds that a stop may take: the hub's for what it still has to hand out, the viewers' to answer our
# goodbye, the connections' to end.
CLOSE_SECONDS = 1.5
HUB_CLOSE_SECONDS = 0.3
GOODBYE_SECONDS = 1.0

# How long after the last who was there the dear sections are collected and the normal interval is kept: a page that
# reloads finds all as it was.
WANTED_SECONDS = 5.0

# A fan-out to a thousand viewers takes 11 ms, letting one in less than one.
STUCK_SECONDS = 2.0


class StartError(Exception):
    """The program cannot start: one sentence that says why."""


class AddressError(StartError):
    """Its address cannot be had now: somebody else may let go of the port, or the network come up."""


class App:
    """Telemetry of this host, served until ``close``. Use it as a context manager, or ``start`` and ``close`` it.

    ``sources`` are an embedding program's own, each a section of every sample. ``stream`` publishes to the viewers.
    ``listening`` is a bound socket to use instead of the settings' address; ``on_ready`` is called once there is a
    sample to be seen.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        sources: Sequence[Source] = (),
        listening: socket.socket | None = None,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        self.settings = settings = settings or Settings()
        self.failure: BaseException | None = None
        self._listening = listening
        self._on_ready = on_ready
        # Not an Event: a signal may come while its lock is held by the very thread that the handler runs on. A
        # SimpleQueue's put is reentrant.
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._listener: Listener | None = None
        self._collector = Collector(
            proc_root=settings.proc_root,
            sys_root=settings.sys_root,
            extra_sources=sources,
            self_stats=SelfStats(
                viewers=lambda: self._hub_stats.clients,
                frames_sent=lambda: self._hub_stats.sent,
                frames_dropped=lambda: self._hub_stats.dropped,
                frames_refused=lambda: self._hub_stats.refused,
                tick_lateness_seconds=lambda: self._ticker.lateness_seconds,
                ticks_missed=lambda: self._ticker.missed,
            ),
        )
        self._guard = Guard(settings)
        # It has threads: made once the sources have passed, so that a name clash leaves none behind.
        self._hub = hub = Hub(on_crash=self._fail)
        self._hub_stats = hub.stats()  # of the tick: adding up a thousand viewers once is enough
        self.stream = Stream(
            hub,
            host=self._collector.host,
            version=__version__,
            interval_seconds=settings.interval,
            history_seconds=settings.history,
        )
        self._ticker = Ticker(settings.interval, self._tick, on_crash=self._fail)
        # Guards the two moments and the ticker's pace: whoever comes must not be overtaken by a tick that saw nobody.
        self._pace_lock = threading.Lock()
        self._idle_from = 0.0  # monotonic seconds, until when somebody is known to be there
        self._awake_since = 0.0
        self._viewers = Viewers(
            hub,
            self.stream,
            limit=settings.max_viewers,
            per_address=PerAddress(settings.max_viewers_per_address),
            timing=Timing(),
            allowance=Allowance(
                settings.max_message_bytes,
                settings.max_messages_per_second,
                32 * settings.max_message_bytes,
            ),
            holds=self._guard.holds,
            headers=self._guard.headers,
        )
        self._routes = Routes(
            stream=self.stream,
            viewers=self._viewers,
            access=self._guard.access,
            section_names=self._collector.section_names,
            want=self._want,
            maybe_problem=self.maybe_problem,
            refused_connections=lambda: self._started().stats().refused,
            pages=pages(),
        )

    @property
    def url(self) -> str:
        """Where the dashboard is, once started."""
        return self._url(self._started().address[0])

    @property
    def maybe_login_url(self) -> str | None:
        """The address that logs a browser in, if this start has made a token: for showing it once."""
        if self._guard.made is None:
            return None
        host = self._started().address[0]
        reachable = socket.gethostname() if host in ("0.0.0.0", "::") else host
        return f"{self._url(reachable)}?token={self._guard.made.value}"

    @property
    def kept_token_path(self) -> str:
        """The file that has a token which was made."""
        return self._guard.kept_path

    def _url(self, host: str) -> str:
        listener = self._started()
        scheme = "http" if listener.ssl_context is None else "https"
        shown = f"[{host}]" if ":" in host else host
        return f"{scheme}://{shown}:{listener.address[1]}/"

    def _started(self) -> Listener:
        if self._listener is None:
            raise RuntimeError("the app has not been started")
        return self._listener

    def start(self) -> None:
        """Listen and take the first sample. Raises StartError if the address cannot be had, or not safely."""
        settings, guard = self.settings, self._guard
        host, port = settings.host, settings.port
        limits = http.Limits(
            head_seconds=settings.head_seconds,
            max_head_bytes=settings.max_head_bytes,
            max_requests=settings.max_requests_per_connection,
        )
        try:
            guard.load(host if self._listening is None else self._listening.getsockname()[0])
            self._listener = Listener(
                self._listening or (host, port),
                lambda transport: http.serve(transport, self._routes, limits, guard.headers),
                max_connections=settings.max_connections,
                per_address=PerAddress(settings.max_connections_per_address, guard.stands_for_many),
                ssl_context=guard.ssl_context,
                headers=guard.headers,
                on_crash=self._fail,
            )
        except GuardError as error:
            self._hub.close()
            raise StartError(str(error)) from error
        except (OSError, UnicodeError) as error:  # IDNA has no form for some names, such as "a..b"
            self._hub.close()
            reason = error.strerror if isinstance(error, OSError) else "not a host name"
            kind = StartError if isinstance(error, UnicodeError | PermissionError) else AddressError
            raise kind(f"cannot listen on {host} port {port}: {reason}") from error
        self._ticker.start()
        self._listener.start()

    def close(self) -> None:
        """Tell every viewer 1001 and stop everything, within two seconds. May be called more than once."""
        deadline = time.monotonic() + CLOSE_SECONDS
        if self._listener is not None:
            self._listener.stop_accepting()
        self._hub.close(End.GOING_AWAY, HUB_CLOSE_SECONDS)
        if self._listener is not None:
            self._viewers.wait_until_gone(GOODBYE_SECONDS)
            self._listener.close(deadline)
        self._ticker.close()  # last: a source of an embedding program may hang
        self._collector.close()
        self._ended.put(None)

    def stop(self) -> None:
        """Make ``wait`` return. For signal handlers: does nothing else."""
        self._ended.put(None)

    def reload(self) -> None:
        """Read tokens and certificate again. Viewers whose token is gone are ended; no other connection notices."""
        self._guard.reload()
        if self._listener is not None:
            self._listener.ssl_context = self._guard.ssl_context
        self._viewers.end_withdrawn()

    def wait(self) -> None:
        """Wait until ``stop`` or ``close`` is called, or a thread of ours has died; then ``failure`` is not None."""
        self._ended.get()
        self._ended.put(None)  # for the next who waits

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _tick(self) -> None:
        """Runs on ``ts-collect``."""
        self._hub_stats = self._hub.stats()
        watched = self.stream.watched()
        for sections in watched:
            self._collect_for(sections, WANTED_SECONDS)
        with self._pace_lock:
            now = time.monotonic()
            if watched:
                self._idle_from = now + WANTED_SECONDS
            elif now >= self._idle_from:
                self._ticker.pace(max(self.settings.interval, self.settings.idle_interval))
        self.stream.publish(self._collector.collect())
        if self._on_ready is not None:
            self._on_ready()
            self._on_ready = None

    def _want(self, sections: Collection[str] | None, seconds: float = WANTED_SECONDS) -> bool:
        """Somebody has come for these sections (None: all that come unasked) and may come again within so long.

        Returns whether that has called for a tick, since the newest sample was older than the normal interval.
        """
        self._collect_for(sections, seconds)
        with self._pace_lock:
            now = time.monotonic()
            self._idle_from = now + WANTED_SECONDS
            if self._ticker.interval_seconds == self.settings.interval:
                return False
            self._awake_since = now
            self._ticker.pace(self.settings.interval)
            last = self._ticker.last_tick_monotonic
            return last is not None and now - last > self.settings.interval

    def _collect_for(self, sections: Collection[str] | None, seconds: float) -> None:
        """Have what is dear in these sections collected for so long."""
        if sections is None:
            sections = [name for name in self._collector.section_names if name not in DEAR]
        self._collector.want(sections, time.monotonic() + seconds)

    def _fail(self, error: BaseException) -> None:
        """Runs on the thread that died. Nothing half-alive stays up: the first failure ends the program."""
        self.failure = self.failure or error
        self._ended.put(None)

    def maybe_problem(self) -> str | None:
        """Why this program is not well, or None: what ``/healthz`` and the watchdog say. Takes 2 s if the hub hangs."""
        if self.failure is not None:
            return "a thread of the program has died"
        with self._pace_lock:
            last, interval = self._ticker.last_tick_monotonic, self._ticker.interval_seconds
            # Whoever wakes an idle program is not to hear at once that it is behind.
            since = None if last is None else max(last, self._awake_since)
        age = 0.0 if since is None else time.monotonic() - since
        if age > max(5.0, 3 * interval):
            return f"no sample has been taken for {age:.0f} s"
        if self._listener is not None and self._listener.stuck_seconds() > STUCK_SECONDS:
            return "no connection can be taken"
        if not self._hub.moves(STUCK_SECONDS):
            return "the hub does not move"
        return None
