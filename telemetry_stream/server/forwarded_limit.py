"""A limit for the requests in progress of each client behind a trusted proxy.

The listener limits the connections of an address. The clients of a trusted proxy share its connections, so a limit
there would be one for all of them. Instead the requests in progress of each forwarded address are limited. A request is
in progress until its answer is written. A viewer is not: it has a limit of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..access.forwarded import is_forwarded
from ..net.address import PerAddress
from ..net.answer import HTTPError
from ..net.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)


class ForwardedLimit:
    """Reserves a slot for each request in progress that a trusted proxy has forwarded. Any thread may call it."""

    def __init__(self, per_address: PerAddress) -> None:
        self._per_address = per_address
        self._refused = RateLimitedLog(log, logging.WARNING)

    def hold(
        self, environ: Mapping[str, Any], answer: Callable[[], Iterable[bytes]]
    ) -> Iterable[bytes]:
        """Return ``answer()``, whose slot is released when the server closes it (PEP 3333).

        Raises HTTPError 429 if the address of the client has reached the limit, and what ``answer`` raises.
        """
        if not is_forwarded(environ):
            return answer()
        address = environ["REMOTE_ADDR"]
        if not self._per_address.reserve(address):
            reason = f"Limit of {self._per_address.limit} requests per address reached"
            self._refused.log("Request from %s refused: %s", address, reason)
            raise HTTPError("429 Too Many Requests", reason, (("Retry-After", "1"),))
        try:
            pieces = answer()
            kind = _Whole if isinstance(pieces, (list, tuple)) else _Pieces
            return kind(pieces, lambda: self._per_address.release(address))
        except BaseException:
            self._per_address.release(address)
            raise


class _Whole(list[bytes]):
    """A complete answer, a list as before, so that the server can send its length."""

    def __init__(self, pieces: Iterable[bytes], release: Callable[[], None]) -> None:
        super().__init__(pieces)
        self.close = release


class _Pieces:
    """An answer whose pieces are made while the client reads."""

    def __init__(self, pieces: Iterable[bytes], release: Callable[[], None]) -> None:
        self._pieces = pieces
        self._release = release

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        """Close the pieces and release the slot."""
        try:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        finally:
            self._release()
