"""Calls that may never return, with calls that a test lets return."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from telemetry_stream.metrics import blocking as blocking_module
from telemetry_stream.metrics.blocking import MAX_WORKERS, Blocking, Result
from tests.conftest import eventually
from tests.metrics.trees import Tree


class Calls:
    """A call that hangs for some keys, and records the keys."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self.begun: dict[str, threading.Event] = {}

    def hang(self, *keys: str) -> None:
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
    """Calls that all return after the test."""
    made = Calls()
    yield made
    made.release()


def workers() -> int:
    """Return the number of workers that are running."""
    return sum(thread.name == "ts-test" for thread in threading.enumerate())


def test_request_waits_for_results_until_its_timeout(tree: Tree, calls: Calls) -> None:
    """A value and an error are results, both with their time."""
    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=10.0)
    blocking.request(["a", "bad"])
    assert blocking.maybe_result("a") == Result(1, None, tree.monotonic)
    bad = blocking.maybe_result("bad")
    assert bad is not None
    assert bad.value is None
    assert isinstance(bad.error, OSError)
    assert blocking.maybe_result("never") is None
    blocking.close()


def test_request_without_a_timeout_returns_at_once(tree: Tree, calls: Calls) -> None:
    """The tick never waits. A call that hangs is pending."""
    calls.hang("a")
    blocking = Blocking("ts-test", calls, tree.clock)
    started = time.monotonic()
    blocking.request(["a"])
    assert time.monotonic() - started < 5.0
    tree.advance(3.0)
    assert blocking.maybe_result("a") is None
    assert blocking.pending_seconds("a") == 3.0
    assert blocking.pending_seconds("b") == 0.0
    blocking.close()


def test_one_call_per_key_is_pending(tree: Tree, calls: Calls) -> None:
    """Ten requests while the call hangs make one call. After it returns, a request makes another one."""
    calls.hang("a")
    blocking = Blocking("ts-test", calls, tree.clock)
    for _ in range(10):
        blocking.request(["a"])
    calls.release()
    assert eventually(lambda: blocking.maybe_result("a") is not None)
    assert calls.made == ["a"]
    blocking.request(["a"])
    assert eventually(lambda: calls.made == ["a", "a"])
    blocking.close()


def test_a_hung_call_does_not_delay_the_others(
    tree: Tree, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If all workers hang, another one is started."""
    # Every call counts as hung at once, instead of after two seconds.
    monkeypatch.setattr(blocking_module, "HUNG_SECONDS", 0.0)
    calls.hang("dead1", "dead2")
    blocking = Blocking("ts-test", calls, tree.clock)
    blocking.request(["dead1"])
    assert calls.begun["dead1"].wait(10)
    blocking.request(["dead2"])
    assert calls.begun["dead2"].wait(10)
    blocking.request(["alive"])
    assert eventually(lambda: blocking.maybe_result("alive") is not None)
    assert workers() == 3
    calls.release()
    assert eventually(lambda: blocking.maybe_result("dead2") is not None)
    assert eventually(lambda: workers() == 1)
    blocking.close()


def test_a_slow_call_starts_no_other_worker(tree: Tree, calls: Calls) -> None:
    """The other calls wait for a call that began less than HUNG_SECONDS ago."""
    calls.hang("slow")
    blocking = Blocking("ts-test", calls, tree.clock)
    blocking.request(["slow"])
    assert calls.begun["slow"].wait(10)
    blocking.request(["next"])
    blocking.check_workers()
    assert workers() == 1
    calls.release()
    assert eventually(lambda: blocking.maybe_result("next") is not None)
    assert calls.made == ["slow", "next"]
    blocking.close()


def test_check_workers_starts_a_worker_if_all_hang(
    tree: Tree, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that was queued behind a slow one is made although no other request comes."""
    calls.hang("slow")
    blocking = Blocking("ts-test", calls, tree.clock)
    blocking.request(["slow", "next"])
    assert calls.begun["slow"].wait(10)
    # The slow call counts as hung now, instead of after two seconds.
    monkeypatch.setattr(blocking_module, "HUNG_SECONDS", 0.0)
    blocking.check_workers()
    assert eventually(lambda: blocking.maybe_result("next") is not None)
    blocking.close()


def test_the_number_of_workers_is_bounded(
    tree: Tree, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With MAX_WORKERS hanging calls, the others stay queued."""
    # Every call counts as hung at once, instead of after two seconds.
    monkeypatch.setattr(blocking_module, "HUNG_SECONDS", 0.0)
    keys = [f"dead{number}" for number in range(MAX_WORKERS + 3)]
    calls.hang(*keys)
    blocking = Blocking("ts-test", calls, tree.clock)
    for key in keys[:MAX_WORKERS]:
        blocking.request([key])
        assert calls.begun[key].wait(10)
    blocking.request(keys)
    blocking.check_workers()
    assert len(calls.made) == MAX_WORKERS
    calls.release()
    assert eventually(lambda: blocking.maybe_result(keys[-1]) is not None)
    blocking.close()


def test_a_system_out_of_threads_is_tried_again(
    tree: Tree,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The calls stay queued, and nobody waits for them. The next tick starts a worker. The log has one line."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=60.0)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)  # as when clone(2) fails
        started = time.monotonic()
        for _ in range(MAX_WORKERS + 1):
            blocking.request(["a"])
            blocking.check_workers()
        assert time.monotonic() - started < 60.0
    assert [record.message for record in caplog.records] == [
        "A worker ts-test cannot be started, so its calls wait: the system is out of threads"
    ]
    assert blocking.maybe_result("a") is None
    blocking.check_workers()
    assert eventually(lambda: blocking.maybe_result("a") is not None)
    assert calls.made == ["a"]
    blocking.close()


def test_results_of_removed_keys_are_forgotten(tree: Tree, calls: Calls) -> None:
    """An unmounted filesystem keeps no result."""
    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=10.0)
    blocking.request(["a", "b"])
    blocking.forget_all_except(["b"])
    assert blocking.maybe_result("a") is None
    assert blocking.maybe_result("b") is not None
    blocking.close()


@pytest.mark.parametrize("all_except", [True, False])
def test_the_result_of_a_forgotten_call_is_dropped(
    tree: Tree, calls: Calls, *, all_except: bool
) -> None:
    """Nobody would forget it again. A call that is requested again meanwhile is made again."""
    calls.hang("gone", "back")
    blocking = Blocking("ts-test", calls, tree.clock)
    blocking.request(["gone", "back", "last"])
    assert calls.begun["gone"].wait(10)
    if all_except:
        blocking.forget_all_except(["back", "last"])
    else:
        blocking.forget(["gone"])
    calls.gates["gone"].set()
    assert calls.begun["back"].wait(10)
    blocking.forget(["back"])
    blocking.request(["back"])
    calls.gates["back"].set()
    assert eventually(lambda: blocking.maybe_result("back") is not None)
    assert blocking.maybe_result("gone") is None
    assert blocking.maybe_result("last") is not None
    assert calls.made == ["gone", "back", "last", "back"]
    blocking.close()


def test_a_request_after_forget_has_a_new_value(tree: Tree) -> None:
    """Not that of the call that was running, and never two calls at once. forget takes the request back."""
    begun, gates = threading.Semaphore(0), threading.Semaphore(0)
    values = iter(range(1, 10))

    def call(_key: str) -> int:
        value = next(values)
        begun.release()
        assert gates.acquire(timeout=30)
        return value

    blocking = Blocking("ts-test", call, tree.clock)
    blocking.request(["a"])
    assert begun.acquire(timeout=10)
    tree.advance(5.0)
    for _ in range(3):
        blocking.forget(["a"])
        blocking.request(["a"])
    gates.release()
    assert begun.acquire(timeout=10)
    tree.advance(1.0)
    assert (blocking.maybe_result("a"), blocking.pending_seconds("a")) == (None, 1.0)
    gates.release()
    assert eventually(lambda: blocking.maybe_result("a") == Result(2, None, tree.monotonic))
    blocking.request(["a"])
    assert begun.acquire(timeout=10)
    blocking.forget(["a"])
    blocking.request(["a"])
    blocking.forget(["a"])
    tree.advance(1.0)
    assert blocking.pending_seconds("a") == 1.0
    gates.release()
    assert eventually(lambda: blocking.pending_seconds("a") == 0.0)
    assert blocking.maybe_result("a") is None
    assert next(values) == 4
    blocking.close()


def test_close_does_not_wait_for_a_hung_worker(tree: Tree, calls: Calls) -> None:
    """The result of its call is ignored later. close() may be called twice."""
    calls.hang("a")
    blocking = Blocking("ts-test", calls, tree.clock)
    blocking.request(["a"])
    assert calls.begun["a"].wait(10)
    blocking.close()
    blocking.close()
    assert blocking.pending_seconds("a") == 0.0
    calls.release()
    assert eventually(lambda: workers() == 0)
    assert blocking.maybe_result("a") is None


def test_a_request_after_close_starts_a_new_worker(tree: Tree, calls: Calls) -> None:
    """A source may be collected again after it was closed."""
    blocking = Blocking("ts-test", calls, tree.clock, timeout_seconds=10.0)
    blocking.request(["b"])
    blocking.close()
    blocking.request(["c"])
    assert blocking.maybe_result("c") is not None
    blocking.close()
