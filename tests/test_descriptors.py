"""Descriptors: the soft limit rises as far as it must and may."""

from __future__ import annotations

import resource

import pytest

from telemetry_stream.descriptors import OTHERS, maybe_raise_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "reached", "says"),
    [
        ((2000, 4096), None, None),
        ((1999, 4096), 2000, None),
        ((64, UNLIMITED), 2000, None),
        ((UNLIMITED, UNLIMITED), None, None),
        ((64, 2000), 2000, None),
        (
            (64, 1999),
            1999,
            "720 connections may need 2000 descriptors, and this process may have 1999",
        ),
        ((1999, 1999), 1999, "may have 1999"),
    ],
)
def test_limit(
    limits: tuple[int, int], reached: int | None, says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room for 720 connections: nothing, the soft limit, or as much as there may be and a sentence."""
    assert OTHERS == 1280
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: seen.append(pair))
    sentence = maybe_raise_limit(720)
    assert seen == ([] if reached is None else [(reached, limits[1])])
    assert (sentence is None) == (says is None)
    assert says is None or says in str(sentence)
