"""The topics of one host: ``ts/1/<site>/<host>/…``. The 1 is the version of this protocol (docs/mqtt.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass

VERSION = 1
# A level of a topic, without the separator, wildcards, and what other programs treat specially.
LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one host. Raises ValueError if a part is not a level of a topic."""

    prefix: str
    site: str
    host: str

    def __post_init__(self) -> None:
        """Check the parts."""
        for name, part in (("prefix", self.prefix), ("site", self.site), ("host id", self.host)):
            if not LEVEL.fullmatch(part):
                raise ValueError(
                    f"{name} {part!r} cannot be part of an MQTT topic: "
                    "it must have 1 to 64 letters, digits and . _ -"
                )

    def of(self, name: str) -> str:
        """Return the topic with this name: hello, state, vitals, sample, want, ask."""
        return f"{self.prefix}/{VERSION}/{self.site}/{self.host}/{name}"

    def to(self, front: str) -> str:
        """Return the topic of the answers to one front end."""
        return self.of(f"to/{front}")
