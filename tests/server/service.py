"""The whole service on port 0 with invented samples: hub, stream, viewers and routes, built as in the program."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

import websocket
from websockets.sync.client import ClientConnection, connect

from telemetry_stream.access.access import Access
from telemetry_stream.access.policy import security_headers
from telemetry_stream.hub import Hub
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.sources.host import HostInfo
from telemetry_stream.net import http as our_http
from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.batch import Batch
from telemetry_stream.net.listener import Listener
from telemetry_stream.prometheus.own import Counts
from telemetry_stream.prometheus.page import Page
from telemetry_stream.prometheus.scrape import KernelScrape
from telemetry_stream.server.fleet import FleetHosts
from telemetry_stream.server.hosts import StreamHosts
from telemetry_stream.server.pages import pages
from telemetry_stream.server.routes import Routes
from telemetry_stream.server.viewers import Viewers
from telemetry_stream.stream import Demand, HistoryLimits, Stream
from telemetry_stream.websocket.connection import Timing
from telemetry_stream.websocket.quota import Allowance
from tests.net.conversation import LIMITS

HOST = HostInfo("host-1", "box", "Linux 6.1.0", None, 2, None)
SECTIONS = ("cpu", "pad")


def sample(number: float = 0.0, pad: int = 0) -> Sample:
    """Return a sample with two sections, of which one has ``pad`` bytes of text."""
    return Sample(
        host=HOST.id,
        time_unix=1_764_000_000.0 + number,
        uptime_seconds=100.0 + number,
        interval_seconds=1.0,
        sections={"cpu": {"usage_percent": number % 100}, "pad": {"text": "x" * pad}},
        sources={"cpu": SourceState("ok", 1e-05), "pad": SourceState("ok", 0.0)},
    )


class RecordingDemand(Demand):
    """Records the arguments of each call of ``want``, which returns what ``on_want`` returns."""

    def __init__(self) -> None:
        super().__init__(
            default_sections=SECTIONS,
            interval_seconds=1.0,
            idle_interval_seconds=0,
            on_interval=lambda _: None,
        )
        self.wants: list[tuple[object, ...]] = []
        self.on_want: Callable[[], bool] = lambda: False

    def want(self, *arguments: Any) -> bool:
        self.wants.append(arguments)
        super().want(*arguments)
        return self.on_want()


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """Serves while the ``with`` block runs, and then waits for every thread."""

    def __init__(
        self,
        *,
        timing: Timing = Timing(),  # noqa: B008  # immutable
        limit: int = 500,
        history_seconds: float = 600.0,
        static_root: str = "/dev/null/nonexistent",
        front_end: bool = False,
        access: Access | None = None,
        allowance: Allowance = Allowance(),  # noqa: B008  # immutable
        viewers_per_address: PerAddress | None = None,
        per_forwarded_address: PerAddress | None = None,
        ssl_context: ssl.SSLContext | None = None,
        kernel: KernelScrape | None = None,
        make_hosts: Callable[[Hub, Stream], StreamHosts | FleetHosts] = lambda _, stream: (
            StreamHosts(stream)
        ),
    ) -> None:
        self.problem: str | None = None
        self.crashes: list[BaseException] = []
        access = access or Access(("box",))
        self.demand = RecordingDemand()
        self._batch = Batch()
        self.hub = Hub(batch=self._batch)
        self.stream = Stream(self.hub, version="1.2.3", history=HistoryLimits(history_seconds))
        self.feed = self.stream.add(HOST, section_names=SECTIONS, demand=self.demand)
        self.viewers = Viewers(
            self.hub,
            limit=limit,
            timing=timing,
            allowance=allowance,
            per_address=viewers_per_address or PerAddress(limit),
            is_valid=access.is_valid,
            headers=security_headers(),
        )
        self.routes = Routes(
            hosts=make_hosts(self.hub, self.stream),
            viewers=self.viewers,
            access=access,
            maybe_problem=lambda: self.problem,
            make_page=lambda: Page(
                counts=lambda: Counts(
                    self.viewers.totals(),
                    self.viewers.refused,
                    self._listener.stats().refused,
                    access.refused_tokens,
                ),
                kernel=kernel,
            ),
            pages=pages(static_root, front_end=front_end),
            per_forwarded_address=per_forwarded_address or PerAddress(8192),
        )
        self._listener = Listener(
            ("127.0.0.1", 0),
            lambda transport: our_http.serve(transport, self.routes, LIMITS, security_headers()),
            max_connections=8192,
            per_address=PerAddress(8192),
            ssl_context=ssl_context,
            headers=security_headers(),
            on_crash=self.crashes.append,
        )
        self.address = self._listener.address

    def publish(self, count: int = 1, *, pad: int = 0) -> int:
        """Publish ``count`` samples; return the ``seq`` of the last one."""
        for _ in range(count):
            self.feed.publish(sample(self.feed.seq + 1, pad))
        return self.feed.seq

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Send one request on its own connection. ``Some_Header`` stands for ``Some-Header``."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            connection.request(
                method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
            )
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def report(self) -> list[dict[str, Any]]:
        """Return the entry of each viewer, with its address and the name of its token."""
        return self.viewers.report(lambda _: True)

    def url(self, path: str = "/ws") -> str:
        """Return the address of a WebSocket."""
        return f"ws://{self.address[0]}:{self.address[1]}{path}"

    def viewer(self, path: str = "/ws", **options: Any) -> ClientConnection:
        """Connect a viewer of the ``websockets`` package."""
        # With a connected socket, it does not use a proxy from the environment.
        options["sock"] = socket.create_connection(self.address, timeout=10)
        viewer: ClientConnection = connect(self.url(path), **options)
        return viewer

    @contextmanager
    def other_viewer(self, path: str = "/ws") -> Iterator[websocket.WebSocket]:
        """Connect a viewer of the ``websocket-client`` package."""
        viewer = websocket.create_connection(self.url(path), timeout=10, http_no_proxy=["*"])
        sock = viewer.sock
        assert sock is not None
        with sock:  # the package does not close it if the server has closed the connection
            yield viewer

    def close(self) -> None:
        """Stop the parts in the same order as the program."""
        self._listener.stop_accepting()
        self.hub.close()
        self._batch.close()
        self.viewers.wait_until_gone(10)
        self.end_connections()
        self.routes.close()
        assert self._listener.stats().crashed == 0
        assert self.crashes == []

    def end_connections(self) -> None:
        """Shut down every transport and wait for the threads."""
        assert self._listener.close(time.monotonic() + 10)

    def __enter__(self) -> Self:
        self._batch.start()
        self.hub.start()
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def message(viewer: ClientConnection) -> dict[str, Any]:
    """Return the viewer's next message."""
    got: dict[str, Any] = json.loads(viewer.recv(timeout=10))
    return got
