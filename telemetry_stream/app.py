"""The program as a whole: starts every part in order, and stops them in reverse.

    with App(Settings(port=0)) as app:
        print(app.url)

``assembly`` builds the parts. A thread of the program that crashes ends it: ``wait`` returns, and ``failure`` is the
error.
"""

from __future__ import annotations

import logging
import queue
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from . import __version__, assembly
from .access.policy import security_headers
from .assembly import StartError, TemporaryStartError
from .hub import End, Hub
from .metrics.source import Source
from .net.batch import Batch
from .net.certificate import Certificate
from .net.listener import Listener
from .settings import Settings
from .stream import HistoryLimits, Origin, Stream
from .threads import ThreadUnavailableError

__all__ = ["App", "StartError", "TemporaryStartError"]

log = logging.getLogger(__name__)

# A stop may take two seconds. Of these, the hub has this long to fan out what is in its inbox, the viewers to answer
# our close frame, and the connections to end.
CLOSE_SECONDS = 1.5
HUB_CLOSE_SECONDS = 0.3
VIEWERS_CLOSE_SECONDS = 1.0

# A fan-out to a thousand viewers takes 11 ms, accepting a connection less than one.
STUCK_SECONDS = 2.0


class App:
    """Telemetry of this host, served from ``start`` to ``close``. Use it as a context manager, or call both.

    ``sources`` are an embedding program's own; each is a section of every sample. ``origins`` are what produces
    samples, by default this host with ``sources``. ``stream`` publishes to the viewers, and consumers attach to it.
    ``listening`` is a bound socket to use instead of the address in the settings; the app closes it. ``on_ready`` is
    called once: when the first sample has been published, or at the end of ``start`` if there is no origin.

    Raises TypeError for an argument of another type, and ValueError if two sources have the same name.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        sources: Sequence[Source] = (),
        origins: Sequence[Origin] | None = None,
        listening: socket.socket | None = None,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        settings = Settings() if settings is None else settings
        _check_arguments(settings, sources, origins, listening, on_ready)
        self.settings = settings
        self.failure: BaseException | None = None
        self._listening = listening
        # A signal handler may run on a thread that holds an Event's lock. The put of a SimpleQueue is reentrant.
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._may_start = True  # until the first start or close
        self._listener: Listener | None = None
        labels = assembly.labels(settings)
        self._notifier = assembly.maybe_notifier(settings, self.fail)
        monitor = None
        if origins is None and not settings.no_collect:
            monitor = assembly.monitor(settings, self.fail, self._notifier)
            origins = [assembly.local_host(settings, sources, labels, monitor)]
        self._alert_parts = [part for part in (self._notifier, monitor) if part is not None]
        self._guard = assembly.guard(settings)
        self._certificate = Certificate(settings.tls_cert, settings.tls_key)
        self._headers = security_headers(settings.frame_ancestors)
        self._batch = Batch(on_crash=self.fail)
        self._hub = Hub(batch=self._batch, on_crash=self.fail)
        self._named = assembly.maybe_named(settings)
        self._fleet = assembly.maybe_fleet(
            settings,
            self._hub,
            labels if origins else None,
            self._named,
            self.fail,
            self._notifier,
        )
        # Last: one of its rows is the first feed of the stream.
        self._origins = (*(origins or ()), *filter(None, [self._fleet]))
        # Without an origin no first sample will come.
        self._on_start = None if origins else on_ready
        self.stream = Stream(
            self._hub,
            version=__version__,
            history=HistoryLimits(settings.history, settings.max_history_bytes),
            on_first_sample=on_ready if origins else None,
        )
        self._viewers = assembly.viewers(settings, self._hub, self._guard, self._headers)
        self._broker_clients = assembly.broker_clients(
            settings, self.stream, self._fleet, self.fail
        )
        self._routes = assembly.routes(
            settings,
            stream=self.stream,
            viewers=self._viewers,
            guard=self._guard,
            origins=self._origins,
            fleet=self._fleet,
            notifier=self._notifier,
            maybe_problem=self.maybe_problem,
            refused_connections=lambda: self._started().stats().refused,
        )

    @property
    def url(self) -> str:
        """The address of the dashboard. Raises RuntimeError before ``start``."""
        return self._url(self._started().address[0])

    @property
    def maybe_login_url(self) -> str | None:
        """The address that logs a browser in, to be shown once; None unless this start created a token."""
        if self._guard.created_token is None:
            return None
        host = self._started().address[0]
        reachable = socket.gethostname() if host in ("0.0.0.0", "::") else host
        return f"{self._url(reachable)}#token={self._guard.created_token.value}"

    @property
    def token_path(self) -> str:
        """The file that contains the token that the program created, or "" if there is none."""
        return self._guard.token_path

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
        """Listen, and take the first sample. An App is started once, and not after ``close``.

        If any step fails, everything that was started is stopped again. Raises StartError with one sentence, or what
        an origin raises.
        """
        if not self._may_start:
            raise StartError("an App is started once, and not after close; make a new one")
        self._may_start = False
        try:
            self._listener = assembly.listener(
                self.settings,
                self._listening,
                self._routes,
                self._guard,
                self._certificate,
                self._headers,
                self.fail,
            )
            self._batch.start()
            self._hub.start()
            for part in self._alert_parts:
                part.start()
            for origin in self._origins:
                origin.start(self.stream, self.fail)
            self._start_broker_clients()
            self._listener.start()
            if self._on_start is not None:
                self._on_start()
        except BaseException as error:
            self.close()
            if isinstance(error, ThreadUnavailableError):
                raise TemporaryStartError(f"cannot start: {error}") from error
            raise

    def _start_broker_clients(self) -> None:
        try:
            for client in self._broker_clients:
                client.start()
        except (ValueError, LookupError) as error:
            raise StartError(f"cannot use the MQTT broker: {error}") from error

    def close(self) -> None:
        """Close every viewer with 1001 and stop everything, within two seconds. Safe to repeat and before ``start``."""
        self._may_start = False
        deadline = time.monotonic() + CLOSE_SECONDS
        if self._notifier is not None:
            self._notifier.stop()  # attempts in progress end while the other parts stop
        for client in self._broker_clients:
            client.stop()  # its last messages are sent while the other parts stop
        if self._listener is not None:
            self._listener.stop_accepting()
        elif self._listening is not None:
            self._listening.close()
        self._hub.close(End.GOING_AWAY, HUB_CLOSE_SECONDS)
        self._batch.close()
        if self._listener is not None:
            self._viewers.wait_until_gone(VIEWERS_CLOSE_SECONDS)
            self._listener.close(deadline)
        self._routes.close()
        for client in self._broker_clients:
            client.close()
        for origin in reversed(self._origins):  # last: one of an embedding program may hang
            try:
                origin.close()
            except Exception:
                log.exception("The origin %s cannot be closed", type(origin).__name__)
        for part in reversed(self._alert_parts):
            part.close()
        self._ended.put(None)

    def stop(self) -> None:
        """Make ``wait`` return. Safe in a signal handler."""
        self._ended.put(None)

    def reload(self) -> None:
        """Read tokens, certificate, rules, receivers and hosts to watch again.

        Viewers whose token was removed are closed; other ones stay. A part that raises is logged, and does not prevent
        the others.
        """
        steps = [self._guard.reload, self._reload_certificate, self._viewers.close_revoked]
        steps += [part.reload for part in self._alert_parts]
        if self._fleet is not None:
            steps.append(self._fleet.reload)
        if self._fleet is not None and self._named is not None and self.settings.watch_file:
            steps.append(partial(self._named.reload, self._fleet))
        for step in steps:
            try:
                step()
            except Exception:
                log.exception("A part of the reload failed")

    def _reload_certificate(self) -> None:
        self._certificate.reload()
        if self._listener is not None:
            self._listener.ssl_context = self._certificate.context

    def wait(self) -> None:
        """Wait until ``stop`` or ``close`` is called, or a thread of the program has crashed (see ``failure``)."""
        self._ended.get()
        self._ended.put(None)  # for the next caller of wait

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

    def fail(self, error: BaseException) -> None:
        """Make ``wait`` return, with ``error`` as the ``failure`` if it is the first one. Any thread may call this."""
        self.failure = self.failure or error
        self._ended.put(None)

    def maybe_problem(self) -> str | None:
        """Return why the program does not work, or None: for ``/healthz`` and the watchdog.

        Takes up to 2 s if the hub hangs.
        """
        if self.failure is not None:
            return "a thread of the program has crashed"
        for origin in self._origins:
            try:
                problem = origin.maybe_problem()
            except Exception as error:  # noqa: BLE001 (an origin of an embedding program may raise anything)
                problem = f"an origin raised {type(error).__name__}"
            if problem is not None:
                return problem
        if self._listener is not None and self._listener.stuck_seconds() > STUCK_SECONDS:
            return "no connection can be accepted"
        if not self._hub.is_responsive(STUCK_SECONDS):
            return "the hub does not respond"
        return None


def _check_arguments(
    settings: object, sources: object, origins: Any, listening: object, on_ready: object
) -> None:
    """Raise TypeError for an argument of another type, and ValueError for sources that no origin would have."""
    is_socket = listening is None or isinstance(listening, socket.socket)
    for name, value, is_right, allowed in (
        ("settings", settings, isinstance(settings, Settings), "a Settings"),
        ("listening", listening, is_socket, "a bound socket"),
        ("on_ready", on_ready, on_ready is None or callable(on_ready), "a function"),
        ("sources", sources, isinstance(sources, Sequence), "a list of sources"),
        *(("an origin", one, isinstance(one, Origin), "an Origin") for one in origins or ()),
    ):
        if not is_right:  # the value may be a secret, so the error has only its type
            raise TypeError(f"{name} is of type {type(value).__name__}; it must be {allowed}")
    if sources and origins is not None:
        raise ValueError("pass `sources` to LocalHost(...) if you pass `origins`")
