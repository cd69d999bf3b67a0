"""The topics of one host: ``ts/1/<site>/<host>/…``. The 1 is the version of this protocol (docs/mqtt.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

VERSION = 1
DEFAULT_SITE = "default"  # of a host whose site is not set
# A level of a topic, without the separator, wildcards, and what other programs treat specially.
LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class HostTopic(NamedTuple):
    """The topic of some host, taken apart. ``name`` is what follows the host."""

    site: str
    host: str
    name: str

    @property
    def key(self) -> str:
        """The key of its host: ``site/host``."""
        return f"{self.site}/{self.host}"


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

    @property
    def key(self) -> str:
        """The key of the host: ``site/host``."""
        return f"{self.site}/{self.host}"

    def of(self, name: str) -> str:
        """Return the topic with this name: hello, state, vitals, alerts, sample, want, ask."""
        return f"{self.prefix}/{VERSION}/{self.site}/{self.host}/{name}"

    def to(self, front: str) -> str:
        """Return the topic of the answers to one front end."""
        return self.of(f"to/{front}")


def filters(prefix: str, site: str, names: Iterable[str]) -> list[str]:
    """Return the topics to subscribe to for all hosts of a site, or of all sites if it is empty."""
    return [f"{prefix}/{VERSION}/{site or '+'}/+/{name}" for name in names]


def maybe_host_topic(prefix: str, topic: str) -> HostTopic | None:
    """Return the parts of a topic, or None if it is none of a host."""
    head = f"{prefix}/{VERSION}/"
    site, _, rest = topic.removeprefix(head).partition("/")
    host, _, name = rest.partition("/")
    if not topic.startswith(head) or not (LEVEL.fullmatch(site) and LEVEL.fullmatch(host)):
        return None
    return HostTopic(site, host, name)
