"""Figures, each with its target, and how they are printed."""

from __future__ import annotations

import json
from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, and what it may be at most. Without ``target`` it only explains the others."""

    what: str
    measured: float
    target: float | None = None

    @property
    def is_reached(self) -> bool:
        """Whether it is not above its target."""
        return self.target is None or self.measured <= self.target


def show(case: str, figures: list[Figure]) -> bool:
    """Print a JSON line for each figure. Return whether all targets are reached."""
    for figure in figures:
        line = {"case": case, "what": figure.what, "measured": round(figure.measured, 3)}
        if figure.target is not None:
            line |= {
                "target": figure.target,
                "verdict": "reached" if figure.is_reached else "MISSED",
            }
        print(json.dumps(line, ensure_ascii=False), flush=True)
    return all(figure.is_reached for figure in figures)
