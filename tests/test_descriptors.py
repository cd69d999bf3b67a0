"""Descriptors: the soft limit rises as far as it must and may."""

from __future__ import annotations

import resource

import pytest

from telemetry_stream.descriptors import OTHERS, maybe_raise_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "reached", "says"),
    [
        ((1024, 4096), None, None),
        ((1023, 4096), 1024, None),
        ((64, UNLIMITED), 1024, None),
        ((UNLIMITED, UNLIMITED), None, None),
        ((64, 1024), 1024, None),
        (
            (64, 1023),
            1023,
            "768 connections may need 1024 descriptors, and this process may have 1023",
        ),
        ((1023, 1023), 1023, "may have 1023"),
    ],
)
def test_limit(
    limits: tuple[int, int], reached: int | None, says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room for 768 connections: nothing, the soft limit, or as much as there may be and a sentence."""
    assert OTHERS == 256
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: seen.append(pair))
    sentence = maybe_raise_limit(768)
    assert seen == ([] if reached is None else [(reached, limits[1])])
    assert (sentence is None) == (says is None)
    assert says is None or says in str(sentence)
