"""Calls that may never return, with calls of the test that return when told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from telemetry_stream import threads
from telemetry_stream.metrics import blocking as blocking_module
from telemetry_stream.metrics.blocking import MOST_WORKERS, Answer, Blocking
from tests.metrics.trees import Tree


class Calls:
    """A call that blocks on the keys it is told to, and counts what it was asked."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self.begun: dict[str, threading.Event] = {}

    def block(self, *keys: str) -> None:
        for key in keys:
            self.gates[key] = threading.Event()
            self.begun[key] = threading.Event()

    def __call__(self, key: str) -> int:
        self.made.append(key)
        if key in self.gates:
            self.begun[key].set()
            self.gates[key].wait(30)
        if key == "bad":
            raise OSError(5, "no")
        return len(key)

    def release(self) -> None:
        for gate in self.gates.values():
            gate.set()


@pytest.fixture
def calls() -> Iterator[Calls]:
    """Calls that are all let go in the end."""
    made = Calls()
    yield made
    made.release()


def test_answers_come_and_are_kept(tree: Tree, calls: Calls) -> None:
    """With patience ask waits for them; values and errors both are answers, with their time."""
    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=10.0)
    blocking.ask(["a", "bad"])
    assert blocking.answer("a") == Answer(1, None, tree.monotonic)
    bad = blocking.answer("bad")
    assert bad is not None
    assert bad.value is None
    assert isinstance(bad.error, OSError)
    assert blocking.answer("never") is None
    blocking.close()


def test_without_patience_ask_returns_at_once(tree: Tree, calls: Calls) -> None:
    """The tick never waits: a call that hangs is only seen to be outstanding."""
    calls.block("a")
    blocking = Blocking("ts-test", calls, tree.clock)
    started = time.monotonic()
    blocking.ask(["a"])
    assert time.monotonic() - started < 5.0
    tree.advance(3.0)
    assert blocking.answer("a") is None
    assert blocking.outstanding_seconds("a") == 3.0
    assert blocking.outstanding_seconds("b") == 0.0
    blocking.close()


def test_one_call_per_key_is_outstanding(tree: Tree, calls: Calls) -> None:
    """Asked ten times while it hangs, it was made once; after it returned it may be made again."""
    calls.block("a")
    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=0.01)
    for _ in range(10):
        blocking.ask(["a"])
    calls.release()
    blocking = _wait(blocking)
    assert calls.made == ["a"]
    blocking.ask(["a"])
    _wait(blocking)
    assert calls.made == ["a", "a"]
    blocking.close()


def _wait(blocking: Blocking[str, int]) -> Blocking[str, int]:
    """Wait until nothing is outstanding."""
    with blocking._changed:
        assert blocking._changed.wait_for(lambda: not blocking._asked, 10)
    return blocking


def test_a_hung_call_does_not_keep_others_waiting(
    tree: Tree, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When all workers hang, another one is put to work; when they return, one stays."""
    monkeypatch.setattr(blocking_module, "HUNG_SECONDS", 0.0)
    calls.block("dead1", "dead2")
    blocking = Blocking("ts-test", calls, tree.clock)
    blocking.ask(["dead1"])
    assert calls.begun["dead1"].wait(10)
    blocking.ask(["dead2"])
    assert calls.begun["dead2"].wait(10)
    blocking.ask(["alive"])
    with blocking._changed:
        assert blocking._changed.wait_for(lambda: blocking.answer("alive") is not None, 10)
    assert sum(thread.name == "ts-test" for thread in threading.enumerate()) == 3
    calls.release()
    _wait(blocking)
    blocking.close()


def test_a_slow_call_is_waited_for_by_the_rest(tree: Tree, calls: Calls) -> None:
    """A worker that has only just begun is no reason for another thread."""
    calls.block("slow")
    blocking = Blocking("ts-test", calls, tree.clock)
    blocking.ask(["slow"])
    assert calls.begun["slow"].wait(10)
    blocking.ask(["next"])
    blocking.tend()
    assert sum(thread.name == "ts-test" for thread in threading.enumerate()) == 1
    calls.release()
    _wait(blocking)
    assert calls.made == ["slow", "next"]
    blocking.close()


def test_dead_mounts_do_not_eat_all_threads(
    tree: Tree, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is an end to the workers: what comes after it waits."""
    monkeypatch.setattr(blocking_module, "HUNG_SECONDS", 0.0)
    keys = [f"dead{number}" for number in range(MOST_WORKERS + 3)]
    calls.block(*keys)
    blocking = Blocking("ts-test", calls, tree.clock)
    for key in keys[:MOST_WORKERS]:
        blocking.ask([key])
        assert calls.begun[key].wait(10)
    blocking.ask(keys)
    blocking.tend()
    assert len(calls.made) == MOST_WORKERS
    calls.release()
    _wait(blocking)
    blocking.close()


def test_a_system_without_threads_is_tried_again(
    tree: Tree, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread to be had costs this tick's section; the next tick may have more luck."""

    def refuse(*_: object) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=10.0)
    with monkeypatch.context() as patch:
        patch.setattr(threads, "start", refuse)
        for _ in range(MOST_WORKERS + 1):
            with pytest.raises(RuntimeError):
                blocking.ask(["a"])
    blocking.ask(["a"])
    assert blocking.answer("a") is not None
    blocking.close()


def test_what_is_gone_is_forgotten(tree: Tree, calls: Calls) -> None:
    """An unmounted filesystem keeps no answer."""
    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=10.0)
    blocking.ask(["a", "b"])
    blocking.keep_only(["b"])
    assert blocking.answer("a") is None
    assert blocking.answer("b") is not None
    blocking.close()


def test_close_leaves_a_hung_worker_behind_and_ask_starts_anew(tree: Tree, calls: Calls) -> None:
    """Closing waits for nobody; what a left worker brings home later is not believed."""
    calls.block("a")
    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=0.01)
    blocking.ask(["a"])
    assert calls.begun["a"].wait(10)
    blocking.close()
    blocking.close()
    assert blocking.outstanding_seconds("a") == 0.0
    calls.release()
    assert blocking.answer("a") is None
    patient = Blocking("ts-test", calls, tree.clock, timeout_seconds=10.0)
    patient.ask(["b"])
    patient.close()
    patient.ask(["c"])
    assert patient.answer("c") is not None
    patient.close()
