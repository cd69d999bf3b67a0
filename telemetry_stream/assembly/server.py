"""Builds what answers clients: the guard, the viewers, the routes with their optional parts, and the listener."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..access.guard import Guard
from ..access.tokens import TokenError, state_directory
from ..hub import Hub
from ..net import http
from ..net.address import PerAddress
from ..net.answer import Headers
from ..net.certificate import Certificate, CertificateError
from ..net.listener import Listener
from ..server.hosts import StreamHosts
from ..server.pages import pages
from ..server.routes import Routes
from ..server.viewers import Viewers
from ..settings import Settings, listed
from ..stream import LocalHost, Origin, Stream
from ..websocket.connection import Timing
from ..websocket.quota import Allowance
from .errors import StartError, TemporaryStartError

if TYPE_CHECKING:
    from ..fleet.fleet import Fleet
    from ..notify.notifier import Notifier
    from ..prometheus.page import Page
    from ..server.fleet import FleetHosts
    from ..server.notifications import Notifications


def guard(settings: Settings) -> Guard:
    """Return what decides which requests are accepted."""
    return Guard(
        token_file=settings.token_file,
        token=settings.token,
        state_dir=settings.state_dir or state_directory(os.environ),
        no_auth=settings.no_auth,
        allowed_hosts=(settings.host, *listed(settings.allow_host)),
        allowed_origins=listed(settings.allow_origin),
        trusted_proxies=listed(settings.trust_proxy),
        frame_ancestors=settings.frame_ancestors,
    )


def viewers(settings: Settings, hub: Hub, guard: Guard, headers: Headers) -> Viewers:
    """Return the viewers, within their limits."""
    return Viewers(
        hub,
        limit=settings.max_viewers,
        per_address=PerAddress(settings.max_viewers_per_address),
        timing=Timing(),
        allowance=Allowance(
            settings.max_message_bytes,
            settings.max_messages_per_second,
            32 * settings.max_message_bytes,
        ),
        is_valid=guard.access.is_valid,
        headers=headers,
    )


def routes(  # noqa: PLR0913  # what the routes of all parts need
    settings: Settings,
    *,
    stream: Stream,
    viewers: Viewers,
    guard: Guard,
    origins: Sequence[Origin],
    fleet: Fleet | None,
    notifier: Notifier | None,
    maybe_problem: Callable[[], str | None],
    refused_connections: Callable[[], int],
) -> Routes:
    """Return the WSGI application. ``refused_connections()`` is the count of the listener."""
    local = next((origin for origin in origins if isinstance(origin, LocalHost)), None)
    return Routes(
        hosts=_hosts(stream, fleet),
        viewers=viewers,
        access=guard.access,
        maybe_problem=maybe_problem,
        make_page=lambda: _page(viewers, guard, local, fleet, notifier, refused_connections),
        pages=pages(front_end=fleet is not None),
        per_forwarded_address=PerAddress(settings.max_connections_per_address, guard.is_exempt),
        notifications=_maybe_notifications(notifier, guard),
    )


def _hosts(stream: Stream, fleet: Fleet | None) -> StreamHosts | FleetHosts:
    """Return the hosts that a request may name."""
    if fleet is None:
        return StreamHosts(stream)
    from ..server.fleet import FleetHosts  # noqa: PLC0415

    return FleetHosts(fleet, stream.version)


def _maybe_notifications(notifier: Notifier | None, guard: Guard) -> Notifications | None:
    """Return the routes of notifications, or None if there is no receiver."""
    if notifier is None:
        return None
    from ..server.notifications import Notifications  # noqa: PLC0415

    return Notifications(notifier, guard.access)


def _page(
    viewers: Viewers,
    guard: Guard,
    local: LocalHost | None,
    fleet: Fleet | None,
    notifier: Notifier | None,
    refused_connections: Callable[[], int],
) -> Page:
    """Return the Prometheus page, with the counters of ``local``, the host that is sampled here, if any."""
    from ..prometheus.kernel.host import Host  # noqa: PLC0415  # its package is imported at the first scrape
    from ..prometheus.own import Counts  # noqa: PLC0415
    from ..prometheus.page import Page  # noqa: PLC0415
    from ..prometheus.scrape import KernelScrape  # noqa: PLC0415

    return Page(
        counts=lambda: Counts(
            viewers.totals(),
            viewers.refused,
            refused_connections(),
            guard.access.refused_tokens,
        ),
        kernel=KernelScrape(Host(*local.roots)) if local else None,
        fleet=fleet,
        notifications=None if notifier is None else notifier.report,
    )


def listener(
    settings: Settings,
    listening: socket.socket | None,
    routes: Routes,
    guard: Guard,
    certificate: Certificate,
    headers: Headers,
    on_crash: Callable[[BaseException], None],
) -> Listener:
    """Load tokens and certificate, and bind the address, unless ``listening`` is bound already. Raises StartError."""
    host, port = settings.host, settings.port
    limits = http.Limits(
        head_seconds=settings.head_seconds,
        max_head_bytes=settings.max_head_bytes,
        max_requests=settings.max_requests_per_connection,
    )
    try:
        guard.load(host if listening is None else listening.getsockname()[0])
        certificate.load()
        return Listener(
            listening or (host, port),
            lambda transport: http.serve(transport, routes, limits, headers),
            max_connections=settings.max_connections,
            per_address=PerAddress(settings.max_connections_per_address, guard.is_exempt),
            ssl_context=certificate.context,
            headers=headers,
            on_crash=on_crash,
        )
    except (TokenError, CertificateError) as error:
        raise StartError(str(error)) from error
    except UnicodeError as error:  # IDNA has no form for some names, such as "a..b"
        raise StartError(f"cannot listen on {host} port {port}: not a host name") from error
    except OSError as error:
        kind = StartError if isinstance(error, PermissionError) else TemporaryStartError
        raise kind(f"cannot listen on {host} port {port}: {error.strerror}") from error
