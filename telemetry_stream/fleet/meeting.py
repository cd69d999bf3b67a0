"""Where an answer and the samples that were held meanwhile meet: one batch in order, and what is missing in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..stream.received import ReceivedSample

Aged = tuple[ReceivedSample, float]  # a sample, and how many seconds ago it was taken


class Batch(NamedTuple):
    """``samples`` can be published. ``held`` are those behind a gap that a further request may fill.

    ``gaps`` is the number of gaps inside the answer: nothing fills them.
    """

    samples: list[Aged]
    held: list[ReceivedSample]
    gaps: int


def meet(
    answer: Sequence[ReceivedSample], held: Sequence[ReceivedSample], stream: str, last: int
) -> Batch:
    """Return both in order. ``last`` is the number of the last published sample, which was of the run ``stream``.

    An answer may begin anywhere, because its host forgets old samples. What is missing behind its end was lost while
    it was on its way.
    """
    samples: list[Aged] = []
    if not answer and not held:
        return Batch(samples, [], 0)
    run = (*held, *answer)[-1].stream
    end = answer[-1].seq if answer else 0
    if run != stream:
        last = 0
    found = {one.seq: one for one in (*answer, *held) if one.stream == run}
    rising = sorted(seq for seq in found if seq > last)
    gaps = 0
    for place, seq in enumerate(rising):
        if seq > last + 1:
            if seq > end:
                return Batch(samples, [found[later] for later in rising[place:]], gaps)
            gaps += last > 0
        samples.append((found[seq], _age(found[seq], found[rising[-1]])))
        last = seq
    return Batch(samples, [], gaps)


def _age(sample: ReceivedSample, newest: ReceivedSample) -> float:
    """Return how much older a sample of a history is than the newest one, in seconds, by the clock of its host.

    Uptime does not jump. Without it, the wall clock must do.
    """
    if sample.uptime_seconds is not None and newest.uptime_seconds is not None:
        return max(0.0, newest.uptime_seconds - sample.uptime_seconds)
    return max(0.0, newest.time_unix - sample.time_unix)
