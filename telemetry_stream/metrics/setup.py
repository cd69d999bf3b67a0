"""What the built-in sources are built from: the kernel's files, the caller's options, the program's own figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .files import Files
from .source import Options


@dataclass(frozen=True, slots=True)
class SelfStats:
    """Figures of this program that other parts of it have. A figure without a function is null in the sample."""

    viewers: Callable[[], int] | None = None
    frames_sent: Callable[[], int] | None = None
    frames_dropped: Callable[[], int] | None = None
    frames_refused: Callable[[], int] | None = None
    is_batched: Callable[[], bool | None] | None = None
    tick_lateness_seconds: Callable[[], float | None] | None = None
    ticks_missed: Callable[[], int] | None = None
    cpu_seconds: Callable[[], float] = time.process_time


@dataclass(slots=True)
class Setup:
    """Everything that ``build`` of a module in ``sources/`` may use."""

    files: Files
    options: Options
    self_stats: SelfStats
