"""The soft limit of descriptors is raised as far as it is needed and allowed."""

from __future__ import annotations

import resource

import pytest

from telemetry_stream.descriptors import OTHERS, maybe_raise_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "expected", "warning"),
    [
        ((2000, 4096), None, None),
        ((1999, 4096), 2000, None),
        ((64, UNLIMITED), 2000, None),
        ((UNLIMITED, UNLIMITED), None, None),
        ((64, 2000), 2000, None),
        (
            (64, 1999),
            1999,
            "208 connections may need 2000 descriptors, but the limit of this process is 1999",
        ),
        ((1999, 1999), 1999, "the limit of this process is 1999"),
    ],
)
def test_limit_for_208_connections(
    limits: tuple[int, int],
    expected: int | None,
    warning: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is changed if the soft limit is enough; there is a warning if the hard limit is not."""
    assert OTHERS == 1792
    seen: list[tuple[int, int]] = []
    # The real limits cannot be used: once lowered, a hard limit cannot be raised again.
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: seen.append(pair))
    sentence = maybe_raise_limit(208)
    assert seen == ([] if expected is None else [(expected, limits[1])])
    assert (sentence is None) == (warning is None)
    assert warning is None or warning in str(sentence)
