"""The areas of a scrape: one that fails or hangs loses only its own families."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from telemetry_stream import threads
from telemetry_stream.metrics.files import ParseError
from telemetry_stream.prometheus import scrape
from telemetry_stream.prometheus.exposition import Family, single
from telemetry_stream.prometheus.kernel import Collect
from telemetry_stream.prometheus.kernel.host import Host
from telemetry_stream.prometheus.scrape import KernelScrape
from telemetry_stream.threads import ThreadUnavailableError
from tests.conftest import eventually
from tests.metrics.trees import Tree
from tests.prometheus.areas import lines
from tests.prometheus.golden import GOLDEN_PAGE, golden_page

SUCCESS = "telemetry_stream_scrape_area_success"


def good(_: Host) -> Iterator[Family]:
    """An area that works."""
    yield single("node_good", "gauge", "Good", 1)


def raising(error: Exception) -> Collect:
    """Return an area that fails after its first family."""

    def collect(_: Host) -> Iterator[Family]:
        yield single("node_bad", "gauge", "Bad", 1)
        raise error

    return collect


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelScrape]:
    """A host without files."""
    tree = Tree(tmp_path)
    found = KernelScrape(Host(tree.proc, tree.sys))
    yield found
    found.close()


def series(kernel: KernelScrape) -> set[str]:
    """Return the series of a scrape without durations."""
    found = lines(kernel.families({}, kernel.read_slow()))
    return {line for line in found if "duration" not in line}


@pytest.mark.parametrize("table", ["AREAS", "SLOW_AREAS"])
@pytest.mark.parametrize("error", [PermissionError(13, "x"), ParseError("x"), ZeroDivisionError()])
def test_an_area_that_fails_loses_only_its_own_families(
    kernel: KernelScrape,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    table: str,
    error: Exception,
) -> None:
    """All of them, and it is reported. It makes no difference which thread reads it."""
    monkeypatch.setattr(scrape, "AREAS", {})
    monkeypatch.setattr(scrape, "SLOW_AREAS", {})
    monkeypatch.setattr(scrape, table, {"bad": raising(error), "good": good})
    for _ in range(2):
        assert series(kernel) == {
            "node_good 1",
            f'{SUCCESS}{{area="good"}} 1',
            f'{SUCCESS}{{area="bad"}} 0',
        }
    (logged,) = caplog.messages  # once
    assert logged.startswith("The area bad cannot be read for /metrics: ")


def test_an_area_that_the_host_does_not_have_has_no_series(
    kernel: KernelScrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is not a failure."""
    monkeypatch.setattr(scrape, "AREAS", {"absent": raising(FileNotFoundError(2, "x"))})
    monkeypatch.setattr(scrape, "SLOW_AREAS", {})
    assert series(kernel) == set()


def test_an_area_that_hangs_costs_a_moment(
    kernel: KernelScrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no families until it answers again, since its old ones would be wrong."""
    hangs, hung = threading.Event(), threading.Event()
    hangs.set()

    def slow(host: Host) -> Iterator[Family]:
        hung.set()
        while hangs.is_set() and not done.wait(0.01):
            pass
        yield from good(host)

    done = threading.Event()
    monkeypatch.setattr(scrape, "AREAS", {})
    monkeypatch.setattr(scrape, "SLOW_AREAS", {"slow": slow})
    monkeypatch.setattr(scrape, "KEPT_SECONDS", 0.0)
    failed, works = {f'{SUCCESS}{{area="slow"}} 0'}, {"node_good 1", f'{SUCCESS}{{area="slow"}} 1'}
    try:
        assert series(kernel) == failed
        assert hung.is_set()
        assert series(kernel) == failed
        hangs.clear()
        assert eventually(lambda: series(kernel) == works)
        hangs.set()
        assert series(kernel) == failed, "the old families are not shown"
    finally:
        done.set()


def test_a_host_without_a_free_thread_has_the_other_areas(
    kernel: KernelScrape, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that need the worker are late. The next scrape has them, if there is a thread."""

    def start(*_: object, **__: object) -> NoReturn:
        raise ThreadUnavailableError("the system is out of threads")

    monkeypatch.setattr(scrape, "AREAS", {"good": good})
    monkeypatch.setattr(scrape, "SLOW_AREAS", {"slow": raising(FileNotFoundError(2, "x"))})
    monkeypatch.setattr(scrape, "KEPT_SECONDS", 0.0)
    works = {"node_good 1", f'{SUCCESS}{{area="good"}} 1'}
    with monkeypatch.context() as patch:
        patch.setattr(threads, "start", start)
        kernel._blocking._timeout_seconds = 0.01
        for _ in range(2):
            assert series(kernel) == {*works, f'{SUCCESS}{{area="slow"}} 0'}
    assert [message.rpartition(": ")[2] for message in caplog.messages] == [
        "the system is out of threads",
        "it does not answer within 0.5 s",
    ]
    kernel._blocking._timeout_seconds = 10.0
    assert series(kernel) == works


def test_scrapes_that_arrive_together_share_what_is_read(
    kernel: KernelScrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one waits for the first one's reading and takes it. No lock is held meanwhile."""
    began, goes_on, reads = threading.Event(), threading.Event(), 0

    def slow(host: Host) -> Iterator[Family]:
        nonlocal reads
        reads += 1
        began.set()
        goes_on.wait(10)
        yield from good(host)

    monkeypatch.setattr(scrape, "SLOW_AREAS", {"slow": slow})
    monkeypatch.setattr(scrape, "SLOW_SECONDS", 10.0)
    kernel._blocking._timeout_seconds = 10.0
    found: list[object] = []
    scrapes = [
        threading.Thread(target=lambda: found.append(kernel.read_slow()["slow"].families))
        for _ in range(2)
    ]
    scrapes[0].start()
    assert began.wait(10)
    scrapes[1].start()
    assert eventually(lambda: len(kernel._changed._waiters) == 1)  # type: ignore[attr-defined]
    goes_on.set()
    for thread in scrapes:
        thread.join(10)
    assert (len(found), reads) == (2, 1)
    assert found[0] == found[1] != []


def test_a_scrape_that_cannot_wait_for_another_one_shows_no_old_results(
    kernel: KernelScrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each area that may block is late. The other scrape gets its result."""
    began, goes_on = threading.Event(), threading.Event()
    goes_on.set()

    def slow(host: Host) -> Iterator[Family]:
        began.set()
        goes_on.wait(10)
        yield from good(host)

    monkeypatch.setattr(scrape, "AREAS", {})
    monkeypatch.setattr(scrape, "SLOW_AREAS", {"slow": slow})
    monkeypatch.setattr(scrape, "KEPT_SECONDS", 0.0)
    kernel._blocking._timeout_seconds = 10.0
    works = {"node_good 1", f'{SUCCESS}{{area="slow"}} 1'}
    assert series(kernel) == works
    goes_on.clear()
    began.clear()
    found: list[object] = []
    other = threading.Thread(target=lambda: found.append(series(kernel)))
    other.start()
    try:
        assert began.wait(10)
        monkeypatch.setattr(scrape, "SLOW_SECONDS", 0.01)
        assert series(kernel) == {f'{SUCCESS}{{area="slow"}} 0'}
    finally:
        goes_on.set()
        other.join(10)
    assert found == [works]


def test_nothing_is_open_between_two_scrapes(tmp_path: Path) -> None:
    """The fixture of all tests checks this: the areas close what they open, and close() ends the worker."""
    kernel = KernelScrape(Host("/proc", "/sys"))
    assert any(line.startswith("node_load1 ") for line in series(kernel))
    kernel.close()


def test_the_page_of_a_captured_host(tmp_path: Path) -> None:
    """It is the expected one. scripts/update-golden writes it."""
    assert golden_page(tmp_path) == GOLDEN_PAGE.read_text()
