"""Which sections are named, after each answer and refusal of a host that knows some of them."""

from __future__ import annotations

import itertools

import pytest

from telemetry_stream.fleet.mirror import ON_DEMAND
from telemetry_stream.fleet.nameable import NameableSections

NONE = frozenset[str]()
SUBSETS = [
    frozenset(names)
    for count in range(len(ON_DEMAND) + 1)
    for names in itertools.combinations(sorted(ON_DEMAND), count)
]


def settle(nameable: NameableSections, wanted: frozenset[str], known: frozenset[str]) -> int:
    """Repeat queries until they name the same again. Return how many were refused."""
    refusals, named = 0, NONE
    nameable.note_answer(NONE, "run-1")
    while (chosen := nameable.choose(wanted)) != named:
        if chosen <= known:
            named = chosen
            nameable.note_answer(named, "run-1")
        else:
            nameable.note_refusal(chosen)
            named = NONE
            nameable.note_answer(NONE, "run-1")
            refusals += 1
            assert refusals <= 1 + len(ON_DEMAND)
    assert named == wanted & known
    return refusals


@pytest.mark.parametrize("known", SUBSETS)
def test_all_that_a_host_knows_is_named_in_the_end(known: frozenset[str]) -> None:
    """Whatever was wanted before. It is not asked again for what it has refused."""
    for first, second in itertools.product(SUBSETS, SUBSETS):
        nameable = NameableSections()
        settle(nameable, first, known)
        settle(nameable, second, known)
        assert settle(nameable, first, known) == 0
        assert settle(nameable, second, known) == 0


def test_a_new_run_may_know_others() -> None:
    """What its predecessor has refused is named again, and a refusal before its first answer means nothing."""
    nameable = NameableSections()
    settle(nameable, ON_DEMAND, NONE)
    nameable.note_refusal(ON_DEMAND)
    nameable.note_answer(NONE, "run-2")
    assert nameable.choose(ON_DEMAND) == ON_DEMAND


def test_a_query_without_sections_that_is_refused_as_well_has_another_reason() -> None:
    """Then nothing is known of the sections."""
    nameable = NameableSections()
    one = frozenset({"processes"})
    nameable.note_answer(NONE, "run-1")
    nameable.note_refusal(one)
    nameable.note_refusal(NONE)
    nameable.note_answer(NONE, "run-1")
    assert nameable.choose(one) == one


def test_a_host_that_refuses_what_it_accepted_cannot_go_on_without_end() -> None:
    """Within one run, each section is refused once more."""
    nameable = NameableSections()
    for _ in range(2 * len(ON_DEMAND)):
        nameable.note_answer(NONE, "run-1")
        nameable.note_answer(nameable.choose(ON_DEMAND), "run-1")
        nameable.note_refusal(nameable.choose(ON_DEMAND))
    nameable.note_answer(NONE, "run-1")
    assert nameable.choose(ON_DEMAND) == NONE
