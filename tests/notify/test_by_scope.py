"""A mapping that is also ordered by scope."""

from __future__ import annotations

import pytest

from telemetry_stream.notify.by_scope import ByScope
from telemetry_stream.notify.message import Key


def test_the_keys_of_a_scope_are_those_that_the_mapping_has() -> None:
    """After each change, and while it changes."""
    found: ByScope[int] = ByScope()
    a, b, c = Key("s", "a", ()), Key("s", "b", ()), Key("t", "a", ())
    found.update({a: 1, c: 2, b: 3})
    found[a] = 4
    assert list(found.of("s").items()) == [(a, 4), (b, 3)]
    assert list(found.items()) == [(a, 4), (c, 2), (b, 3)]
    for key in found.of("s"):
        del found[key]
    assert (found.of("s"), found.of("t"), found.of("u")) == ({}, {c: 2}, {})
    assert (dict(found), found.get(a), len(found)) == ({c: 2}, None, 1)
    with pytest.raises(KeyError):
        del found[a]
