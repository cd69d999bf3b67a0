"""An answer and what was held meanwhile become one batch, in the order of their numbers."""

from __future__ import annotations

import pytest

from telemetry_stream.fleet.meeting import meet
from tests.fleet.reports import received


@pytest.mark.parametrize(
    ("answer", "held", "last", "expected"),
    [
        ([], [], 3, ([], [], 0)),
        ([4, 5], [6], 3, ([4, 5, 6], [], 0)),
        ([4, 5, 6], [5, 6, 7], 3, ([4, 5, 6, 7], [], 0)),  # both have some
        ([2, 3, 4], [], 3, ([4], [], 0)),
        # 6 and 7 were lost while the answer was on its way.
        ([4, 5], [8, 9], 3, ([4, 5], [8, 9], 0)),
        ([], [5], 3, ([], [5], 0)),
        ([6, 7], [8], 3, ([6, 7, 8], [], 1)),  # the host has forgotten 4 and 5
        ([4, 7], [9], 3, ([4, 7], [9], 1)),
        ([100, 101], [102], 0, ([100, 101, 102], [], 0)),  # the first answer begins anywhere
        ([], [5, 6], 0, ([], [5, 6], 0)),
    ],
)
def test_they_meet(
    answer: list[int], held: list[int], last: int, expected: tuple[list[int], list[int], int]
) -> None:
    """What is behind a gap that a further request may fill stays held."""
    batch = meet([received(seq) for seq in answer], [received(seq) for seq in held], "run-1", last)
    found = [sample.seq for sample, _ in batch.samples]
    assert (found, [sample.seq for sample in batch.held], batch.gaps) == expected


def test_another_run_begins_anew() -> None:
    """Held samples of the run before are out of date."""
    batch = meet([received(1, "run-2"), received(2, "run-2")], [received(9)], "run-1", 7)
    assert [(sample.stream, sample.seq) for sample, _ in batch.samples] == [
        ("run-2", 1),
        ("run-2", 2),
    ]
    assert batch.held == []


def test_each_sample_is_as_old_as_its_host_reports() -> None:
    """Compared with the newest one."""
    batch = meet([received(1), received(4)], [received(5)], "run-1", 0)
    assert [age for _, age in batch.samples] == [4.0, 1.0, 0.0]
