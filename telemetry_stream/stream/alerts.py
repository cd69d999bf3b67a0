"""The known alerts of one host: for ``hello``, and for the message ``alerts`` when viewers need one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .encoded import to_json

# The fields of hello about alerts, while nothing is known of them.
UNKNOWN: Mapping[str, Any] = {"alerts": None, "omitted_alerts": 0}


class KnownAlerts:
    """The alerts of one host. The lock of its feed guards them; the attributes may be read without it."""

    def __init__(self, host_id: str) -> None:
        self.fields = UNKNOWN  # of hello
        self.time_unix: float | None = None  # of their sample
        self._host_id = host_id
        self._has_had_any = False
        self._is_unknown_to_some = False  # a viewer has null in its hello

    def hello(self) -> Mapping[str, Any]:
        """Return the fields for the hello of a viewer that joins."""
        self._is_unknown_to_some |= self.fields is UNKNOWN
        return self.fields

    def maybe_message(
        self,
        time_unix: float | None,
        firing: Sequence[Mapping[str, Any]],
        resolved: Sequence[Mapping[str, Any]],
        omitted: int,
    ) -> bytes | None:
        """Note new alerts. Return the message, or None if no viewer needs it: see ``Feed.publish_alerts``."""
        self.fields = {"alerts": firing, "omitted_alerts": omitted}
        self.time_unix = time_unix
        self._has_had_any |= bool(firing or resolved)
        if not (self._has_had_any or self._is_unknown_to_some):
            return None
        self._is_unknown_to_some = False
        message = {
            "type": "alerts",
            "host": self._host_id,
            "time_unix": time_unix,
            "alerts": [*firing, *resolved],
            "omitted_alerts": omitted,
        }
        return to_json(message)
