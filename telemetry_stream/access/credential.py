"""The credential of a request or a viewer: the token that it was accepted with, and the login if a browser sent it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from .tokens import Token


@dataclass(frozen=True, slots=True)
class Credential:
    """A token that a program has sent, or the login of a browser with that token."""

    token: Token
    login: str = ""  # the id of the login; "" if the token itself was sent
    expires: float = math.inf  # seconds since 1970

    def remaining_seconds(self) -> float:
        """Return for how long it is still valid; at most 0 if it has expired."""
        return self.expires - time.time()
