"""The source of an embedding program: whatever it does, only its own section is lost, and it delays nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from telemetry_stream import threads
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.embedded import MAX_REASON_CHARACTERS, SLOW, EmbeddedSource
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.source import Now, Options, Stale
from tests.conftest import eventually
from tests.metrics.extra import ExtraSource, OnDemandSource
from tests.metrics.trees import Tree

# The options of the program, which does not wait for slow sources.
TICKING = Options()


def workers() -> list[str]:
    """Return the names of the threads of sources."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ts-src")]


class Gate:
    """A source that waits until the test opens it."""

    def __init__(self, name: str = "slow") -> None:
        self.name = name
        self.opened = threading.Event()
        self.calls = 0

    def collect(self, now: Now) -> object:
        self.calls += 1
        assert self.opened.wait(30)
        return {"tick": now.tick}


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A source that returns at the end of the test at the latest."""
    source = Gate()
    yield source
    source.opened.set()


class SilentError(Exception):
    """An error whose text cannot be read."""

    def __str__(self) -> str:
        raise self


def recurse(now: object) -> object:
    """Recurse without end."""
    return recurse(now)


def recurse_in_c(now: object) -> object:
    """Recurse without end through a function in C, which needs the stack of the thread."""
    return list(map(recurse_in_c, [now]))


def raising(error: BaseException) -> Callable[[Now], object]:
    """Return a ``collect`` that raises ``error``."""

    def collect(_: Now) -> NoReturn:
        raise error

    return collect


SELF_CONTAINING: dict[str, Any] = {}
SELF_CONTAINING["me"] = SELF_CONTAINING
NESTED: list[Any] = []
for _level in range(3_000):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("collect", "reason"),
    [
        (recurse, "RecursionError: maximum recursion depth exceeded"),
        (recurse_in_c, "RecursionError: maximum recursion depth exceeded"),
        (raising(SystemExit(3)), "SystemExit: 3"),
        (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
        (raising(MemoryError()), "MemoryError"),
        (raising(KeyError("x")), "KeyError: 'x'"),
        (raising(StopIteration()), "StopIteration"),
        (raising(SilentError()), "SilentError: its text is not available"),
        (raising(ValueError("x" * 10_000)), "ValueError: xxx"),
        (lambda _: SELF_CONTAINING, "mine.me.me"),
        (lambda _: {"deep": NESTED}, "mine.deep[0][0]"),
        (lambda _: {"ratio": float("nan")}, "mine.ratio is nan"),
        (lambda _: 5, "mine is of type int; return a dict, a dataclass, a list or None"),
        (lambda _: "five", "mine is of type str; return"),
        (lambda _: Stale({"x": 1}, float("nan")), "the age of mine is nan"),
        (lambda _: Stale({"x": 1}, "old"), "the age of mine is 'old'"),  # type: ignore[arg-type]
        (lambda: {"x": 1}, "TypeError: "),
    ],
)
def test_a_source_may_do_anything(tree: Tree, collect: Any, reason: str) -> None:
    """Its state has the type and the text of the error. Its next call and all other sections are complete."""
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector(
        extra_sources=[ExtraSource("mine", collect), ExtraSource("other", lambda _: {"x": 1})]
    )
    for _ in range(2):
        sample = collector.collect()
        assert "mine" not in sample.sections
        state = sample.sources["mine"]
        assert state.state == "failed"
        assert state.reason is not None
        assert state.reason.startswith(reason)
        assert len(state.reason) <= MAX_REASON_CHARACTERS
        assert sample.sections["other"] == {"x": 1}
        assert sample.sources["load"].state == "ok"


def test_the_log_has_the_first_traceback_of_each_type(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """With the line of the source that raised. Later failures of the same type are one line."""
    errors: list[BaseException] = [LookupError("a"), LookupError("b"), RecursionError("c")]
    collector = tree.collector(
        extra_sources=[ExtraSource("mine", lambda now: raising(errors[now.tick - 1])(now))]
    )
    for _ in errors:
        collector.collect()
        tree.advance(60.0)
    logged = [
        (record.message, record.exc_info and record.exc_info[1])
        for record in caplog.records
        if "mine" in record.message
    ]
    assert logged == [
        ("Source mine: failed (LookupError: a)", errors[0]),
        ("Source mine: failed (LookupError: b)", None),
        ("Source mine: failed (RecursionError: c)", errors[2]),
    ]
    assert "raise error" in caplog.text


def test_the_traceback_of_a_recursion_is_short(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """Its end is enough, and a thousand frames would fill the log."""
    tree.collector(extra_sources=[ExtraSource("mine", recurse)]).collect()
    frames = 0
    (record,) = (record for record in caplog.records if "mine" in record.message)
    assert record.exc_info
    trace = record.exc_info[2]
    while trace is not None:
        assert trace.tb_frame.f_code.co_name == "recurse"
        frames, trace = frames + 1, trace.tb_next
    assert frames == 20


def test_a_slow_source_delays_nothing(
    tree: Tree, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """Its call goes on while samples are taken without its section. The log names it once."""
    fast = ExtraSource("fast", lambda now: {"tick": now.tick})
    # A long wait for the fast source: it must be in each sample even on a busy machine.
    collector = tree.collector(extra_sources=[gate, fast], options=TICKING)
    for source in collector._embedded[1:]:
        source._wait_seconds = 10.0
    for tick in range(1, 6):
        sample = collector.collect()
        assert sample.sections["fast"] == {"tick": tick}
        assert "slow" not in sample.sections
        assert sample.sources["slow"] == SourceState("stale", tick - 1.0, SLOW)
        tree.advance(1.0)
    assert gate.calls == 1
    slow = [record for record in caplog.records if "Source slow" in record.message]
    assert [(record.levelno, record.message) for record in slow] == [
        (logging.WARNING, "Source slow: stale (collect takes longer than 0.05 s)")
    ]


def test_a_source_that_was_slow_is_not_waited_for(tree: Tree, gate: Gate) -> None:
    """Not before a call has returned in time. The wait is made so long that the test would not end."""
    source = EmbeddedSource(gate, tree.clock)
    source.request(tree.tick())
    assert source.result(tree.tick())[1].state == "stale"
    gate.opened.set()
    assert eventually(lambda: source._requested is None)
    gate.opened.clear()
    source._wait_seconds = 1000.0
    now = tree.tick()
    source.request(now)
    assert source.result(now)[1].state == "stale"
    gate.opened.set()
    assert eventually(lambda: source._requested is None)
    now = tree.tick()
    source.request(now)
    assert source.result(now)[1].state == "ok"
    source.close()


def collect_until(collector: Collector, found: Callable[[Sample], bool]) -> Sample:
    """Return the first sample that is as the test expects."""
    samples: list[Sample] = []

    def is_found() -> bool:
        samples.append(collector.collect())
        return found(samples[-1])

    assert eventually(is_found)
    return samples[-1]


def test_the_section_of_a_slow_source_is_stale_until_it_is_fast_again(
    tree: Tree, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """Its newest section is in the samples, with its age. A call that returns late counts too."""
    caplog.set_level(logging.INFO)
    collector = tree.collector(extra_sources=[gate], options=TICKING)
    assert collector.collect().sources["slow"].state == "stale"
    gate.opened.set()
    fresh = collect_until(collector, lambda sample: sample.sources["slow"].state == "ok")
    gate.opened.clear()
    tree.advance(60.0)
    newest = collector.collect()
    assert newest.sources["slow"] == SourceState("stale", 0.0, SLOW, 60.0)
    assert newest.sections == fresh.sections
    tree.advance(5.0)
    later = collector.collect()
    assert later.sections == newest.sections
    assert later.sources["slow"] == SourceState("stale", 5.0, SLOW, 65.0)
    gate.opened.set()
    tree.advance(60.0)
    collect_until(collector, lambda sample: sample.sources["slow"].state == "ok")
    assert [record.message for record in caplog.records if "slow" in record.message] == [
        f"Source slow: stale ({SLOW})",
        "Source slow: ok",
    ]


def test_a_slow_failure_is_reported_until_the_next_call_returns(tree: Tree, gate: Gate) -> None:
    """It is a failure and not stale: there is no newer section."""

    def fail(now: Now) -> NoReturn:
        gate.collect(now)
        raise LookupError("lost")

    source = ExtraSource("slow", fail)
    collector = tree.collector(extra_sources=[source], options=TICKING)
    assert collector.collect().sources["slow"].state == "stale"
    gate.opened.set()
    sample = collect_until(collector, lambda sample: sample.sources["slow"].state == "failed")
    assert sample.sources["slow"].reason == "LookupError: lost"


def test_collect_and_close_run_on_one_thread(tree: Tree) -> None:
    """Which has the name of the source, as far as the kernel shows it."""
    seen: list[str] = []
    source = OnDemandSource("a-long-name", lambda _: seen.append(threading.current_thread().name))
    source.close = lambda: seen.append(threading.current_thread().name)  # type: ignore[method-assign]
    collector = tree.collector(extra_sources=[source])
    collector.collect(["a-long-name"])
    collector.close()
    assert eventually(lambda: workers() == [])
    assert seen == ["ts-src-a-long-n"] * 2


def test_a_close_that_fails_is_logged(tree: Tree, caplog: pytest.LogCaptureFixture) -> None:
    """The next collect starts again."""

    class Failing(OnDemandSource):
        def close(self) -> NoReturn:
            raise SystemExit("injected")

    source = Failing("rare", lambda _: {"x": 1})
    collector = tree.collector(extra_sources=[source])
    for _ in range(2):
        assert collector.collect(["rare"]).sections["rare"] == {"x": 1}
        collector.close()
    assert eventually(lambda: workers() == [])
    failures = [record.message for record in caplog.records if "rare" in record.message]
    assert failures == ["Source rare: close failed"] * 2


def test_close_does_not_wait_for_a_source_that_hangs(
    tree: Tree, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names it. A second close does nothing more."""
    collector = tree.collector(extra_sources=[gate], options=TICKING)
    collector.collect()
    collector.close()
    assert workers() == ["ts-src-slow"]
    assert "Source slow does not return; its thread ends when it does" in caplog.text
    gate.opened.set()
    assert eventually(lambda: workers() == [])
    collector.close()
    assert workers() == []


def test_a_source_may_close_its_own_collector(tree: Tree) -> None:
    """As a source does that stops the app."""
    collectors: list[Collector] = []

    def collect(_: Now) -> object:
        collectors[0].close()
        return {"x": 1}

    collectors.append(tree.collector(extra_sources=[ExtraSource("mine", collect)]))
    assert collectors[0].collect().sections["mine"] == {"x": 1}
    assert eventually(lambda: workers() == [])


def test_a_system_out_of_threads_loses_the_section(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until a thread can be started."""

    def refuse(*_: object) -> NoReturn:
        raise threads.ThreadUnavailableError("the system is out of threads")

    collector = tree.collector(extra_sources=[OnDemandSource("mine", lambda _: {"x": 1})])
    with monkeypatch.context() as patch:
        patch.setattr(threads, "start", refuse)
        sample = collector.collect(["mine"])
        assert sample.sources["mine"].reason == "the system is out of threads"
        collector.close()
    assert collector.collect(["mine"]).sections["mine"] == {"x": 1}


class NameFails:
    """A source whose name cannot be read."""

    @property
    def name(self) -> str:
        raise LookupError("no name")

    def collect(self, now: Now) -> object:
        return None


class Async(ExtraSource):
    """A source of an asyncio program."""

    async def collect(self, now: Now) -> object:
        return None


class Nameless:
    def collect(self, now: Now) -> object:
        return None


class Idle:
    name = "idle"


def named(name: Any) -> ExtraSource:
    """Return a source of this name."""
    return ExtraSource(name, lambda _: None)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (named(""), "ValueError: a source of type ExtraSource has the name ''; it must be"),
        (named("a,b"), "ValueError: a source of type ExtraSource has the name 'a,b'; it must be"),
        (named("n" * 65), "ValueError: a source of type ExtraSource has the name 'nnn"),
        (named("a\n"), r"ValueError: a source of type ExtraSource has the name 'a\n'; it must be"),
        (named(5), "TypeError: a source of type ExtraSource has the name 5; it must be a text"),
        (named(None), "TypeError: a source of type ExtraSource has the name None; it must"),
        (Nameless(), "TypeError: a source of type Nameless has the name None; it must be a text"),
        (Idle(), "TypeError: the source 'idle' has no method collect(now)"),
        (Idle, "TypeError: the source Idle is a class; make an object of it"),
        (Async("mine", lambda _: None), "TypeError: collect of the source 'mine' is async"),
        (lambda: None, "TypeError: a source of type function has the name None"),
        ("cpu", "TypeError: a source of type str has the name None"),
        (NameFails(), "LookupError: no name"),
    ],
)
def test_what_is_not_a_source_is_refused(tree: Tree, source: Any, error: str) -> None:
    """When the program is built, with what is allowed."""
    with pytest.raises((TypeError, ValueError, LookupError)) as caught:
        EmbeddedSource(source, tree.clock)
    assert f"{type(caught.value).__name__}: {caught.value}".startswith(error)
