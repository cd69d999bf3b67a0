"""Attacks on the running program with large numbers of viewers and of choices of sections."""

from __future__ import annotations

import itertools
from contextlib import ExitStack

from tests.attacks.target import Target
from tests.conftest import eventually
from tests.viewers import clients
from tests.websocket.peer import Peer

BOTH_FAN_OUTS = True
CROWD = 300


def test_200_viewers_leave_at_once(target: Target) -> None:
    """Half of them without a close frame, half with a reset."""
    peers = [Peer(target.address) for _ in range(200)]
    assert eventually(lambda: len(clients(target.program.url)) == 201)
    for i, peer in enumerate(peers):
        if i % 2:
            peer.close()
        else:
            peer.reset()
    assert eventually(lambda: len(clients(target.program.url)) == 1)


def test_300_choices_of_sections(target: Target) -> None:
    """Each choice is encoded separately, every tick; and each viewer gets the sections that it has chosen."""
    with Peer(target.address) as peer:
        peer.message()
        names = sorted(peer.message()["sources"])
    choices = list(itertools.islice(itertools.combinations(names, 3), 300))
    assert len(choices) == 300
    with ExitStack() as stack:
        peers = [
            stack.enter_context(Peer(target.address, f"/ws?sections={','.join(choice)}"))
            for choice in choices
        ]
        for peer, choice in zip(peers, choices, strict=True):
            assert peer.message()["sections"] == list(choice)
            for _ in range(3):
                assert set(peer.message()["sources"]) <= set(choice)
