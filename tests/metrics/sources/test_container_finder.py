"""The search for containers: on a worker, rarely, and with the reason if it fails."""

from __future__ import annotations

import threading

import pytest

from telemetry_stream.metrics.source import SEARCH_SECONDS
from telemetry_stream.metrics.sources import container_finder
from telemetry_stream.metrics.sources.container_finder import Finder
from telemetry_stream.metrics.sources.container_path import Identity, find_containers
from tests.conftest import eventually
from tests.metrics.sources.test_container_files import put_v2
from tests.metrics.trees import Tree

DOCKER = f"/system.slice/docker-{'0123456789abcdef' * 4}.scope"


def test_a_search_that_fails_raises(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each tick until another one succeeds, so that the sample has the reason."""
    put_v2(tree, DOCKER)
    finder = Finder(tree.files, timeout_seconds=10.0)
    with monkeypatch.context() as patch:
        patch.setattr(container_finder, "find_containers", lambda _: 1 // 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                finder.find(tree.tick(), SEARCH_SECONDS)
    assert list(finder.find(tree.tick(SEARCH_SECONDS), SEARCH_SECONDS)) == [DOCKER]
    finder.close()


def test_a_long_search_delays_no_tick_and_is_repeated_rarely(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user may own thousands of groups. One of 2 s begins every 40 s, also if a container has gone."""
    searches = []
    answered = threading.Event()

    def search(hierarchy: str) -> dict[str, Identity]:
        searches.append(tree.monotonic)
        assert answered.wait(30.0)
        tree.monotonic += 2.0
        return find_containers(hierarchy)

    monkeypatch.setattr(container_finder, "find_containers", search)
    put_v2(tree, DOCKER)
    finder = Finder(tree.files)
    assert finder.find(tree.tick(), SEARCH_SECONDS) == {}
    answered.set()
    assert eventually(lambda: finder.find(tree.tick(0.0), SEARCH_SECONDS))
    finder._blocking._timeout_seconds = 10.0
    finder.search_again()
    for _ in range(100):
        finder.find(tree.tick(), SEARCH_SECONDS)
    assert [round(at - searches[0]) for at in searches] == [0, 40, 80]
    finder.close()
