"""``@frozen``: a slotted dataclass that is frozen for the type checker.

What a sample is made of is never changed once made, and mypy holds that. At run time the lock of ``frozen=True`` is
left out: it writes each field through object.__setattr__, which makes a row of twelve fields cost 1.4 µs instead of
0.3, and a sample has three hundred fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen record."""
    return dataclass(slots=True)(cls)
