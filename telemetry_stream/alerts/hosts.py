"""The section ``hosts`` of rules: what is known of each host that a front end watches. No sample has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from ..metrics.definitions import Group, group_of
from ..metrics.section import Field, Section

NAME = "hosts"


class Identity(NamedTuple):
    """What a host reports about itself."""

    id: str
    name: str
    site: str | None


@dataclass(frozen=True, slots=True)
class WatchedHost:
    """One host that this front end watches. Its own host is not among them."""

    address: Annotated[
        str,
        Field(
            "Its address, which stays the same when either is restarted: host:port of `watch`, or "
            "SITE/HOST of a broker.",
            is_identity=True,
        ),
    ]
    id: Annotated[str | None, "Its id; the address if it has never answered."] = None
    name: Annotated[str | None, "Its name; the address if it has never answered."] = None
    site: Annotated[str | None, "Its site; null if it has none."] = None
    state: Annotated[str | None, "Its state in the overview."] = None
    lost: Annotated[
        bool | None,
        "Whether it sends nothing although the front end's own link works. Null while that is not certain: it is late, "
        "or the link is down. False if it was stopped on purpose.",
    ] = None
    duplicate: Annotated[
        bool | None,
        "Whether another host has the same id, or it is watched twice. Null while it sends nothing.",
    ] = None
    age_seconds: Annotated[
        float | None, "Time since its last data, or since the front end has watched it."
    ] = None
    skew_seconds: Annotated[
        float | None,
        "The front end's clock minus that of the host, the median of nine measurements. Null while it sends nothing.",
    ] = None


def maybe_identity(host: WatchedHost) -> Identity | None:
    """Return what a host reports about itself; None if it has never answered."""
    found = Identity(host.id or host.address, host.name or host.address, host.site)
    return None if found[:2] == (host.address, host.address) else found


class _Table:
    """Stands for the table of hosts, which is not a source of a sample."""

    name = NAME


GROUP: Group = group_of(
    Section(_Table, tuple[WatchedHost, ...], text="The hosts that a front end watches.")
)
