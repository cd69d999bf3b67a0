"""The whole program as a process, with the client libraries of users: hello, history, samples, resuming."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ports import free_port

from tests.system.conftest import StartProgram
from tests.system.program import Program, captured_roots
from tests.viewers import (
    LIBRARIES,
    assert_consecutive,
    get,
    lines_reader,
    read_samples,
    seqs,
    websockets_viewer,
)

FAST = ("--port", "0", "--interval", "0.1")
CAPTURED = captured_roots()

MADE_UP = {
    "stat": "cpu  40 0 20 300 0 0 0 0 0 0\ncpu0 40 0 20 300 0 0 0 0 0 0\nctxt 99\nbtime 1764000000\n"
    "processes 50\nprocs_running 1\nprocs_blocked 0\n",
    "meminfo": "MemTotal: 1000 kB\nMemFree: 200 kB\nMemAvailable: 600 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
    "loadavg": "0.20 0.18 0.12 1/80 11206\n",
    "uptime": "9512.31 18820.30\n",
    "sys/kernel/hostname": "made-up\n",
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program on the real host, for the tests that do not end it."""
    started = Program(FAST, None, tmp_path_factory.mktemp("program"))
    yield started
    started.end()


@pytest.mark.parametrize("library", LIBRARIES)
def test_hello_history_and_consecutive_samples(library: str, program: Program) -> None:
    """What every client relies on, on the real host."""
    with websockets_viewer(program.url) as first:
        read_samples(first, 4)
    with LIBRARIES[library](program.url, "history=600") as viewer:
        hello, history = viewer.read(), viewer.read()
        samples = read_samples(viewer, 5)
    assert (hello["type"], hello["protocol"], history["type"]) == ("hello", 1, "history")
    assert hello["interval_seconds"] == 0.1
    assert seqs(history["samples"]) == list(range(1, hello["seq"] + 1))
    assert_consecutive(seqs(history["samples"] + samples))
    for sample in history["samples"] + samples:
        assert (sample["stream"], sample["host"]) == (hello["stream"], hello["host"]["id"])
    assert history["samples"][0]["interval_seconds"] is None
    # The two clocks are read one after another. A stall between them is possible, but not at each of five samples.
    passed = [two["time_unix"] - one["time_unix"] for one, two in pairwise(samples)]
    measured = [sample["interval_seconds"] for sample in samples]
    assert min(measured) > 0
    assert any(
        ours == pytest.approx(theirs, abs=0.02)
        for ours, theirs in zip(measured[1:], passed, strict=True)
    )
    assert 0 <= samples[-1]["cpu"]["idle_percent"] <= 100
    assert samples[-1]["memory"]["total_bytes"] > 0


@pytest.mark.parametrize("library", LIBRARIES)
def test_choice_of_sections_and_of_every_third_sample(library: str, program: Program) -> None:
    """It holds for the history as for the live samples."""
    with LIBRARIES[library](program.url, "sections=memory,cpu&every=3&since=0") as viewer:
        hello, history = viewer.read(), viewer.read()
        samples = history["samples"] + read_samples(viewer, 3)
    assert (hello["every"], hello["sections"]) == (3, ["cpu", "memory"])
    assert seqs(samples)[0] == 3
    assert_consecutive(seqs(samples), step=3)
    assert set(samples[-1]["sources"]) == {"cpu", "memory"}
    assert "load" not in samples[-1]


def test_json_lines_have_the_same_messages(program: Program) -> None:
    """For curl: hello, history and samples, one message per line."""
    with lines_reader(program.url, "since=0") as lines:
        hello, history = next(lines), next(lines)
        samples = [next(lines) for _ in range(3)]
    assert [hello["type"], history["type"]] == ["hello", "history"]
    assert_consecutive(seqs(history["samples"] + samples))


@pytest.mark.parametrize("library", LIBRARIES)
def test_resuming_leaves_no_gap(library: str, program: Program) -> None:
    """A viewer that reconnects gets the samples that it has missed, and none twice."""
    with LIBRARIES[library](program.url) as viewer:
        hello = viewer.read()
        before = read_samples(viewer, 3)
    last = before[-1]["seq"]
    with websockets_viewer(program.url) as another:
        while read_samples(another, 1)[0]["seq"] < last + 4:
            pass  # the samples that the first one misses
    with LIBRARIES[library](program.url, f"since={last}&stream={hello['stream']}") as viewer:
        again, history = viewer.read(), viewer.read()
        after = read_samples(viewer, 2)
    assert again["stream"] == hello["stream"]
    assert len(history["samples"]) >= 4
    assert_consecutive(seqs(before + history["samples"] + after))


@pytest.mark.parametrize("library", LIBRARIES)
def test_resuming_after_a_restart_gets_all_of_the_new_run(
    library: str, start_program: StartProgram
) -> None:
    """From its first sample on, whatever sequence number the viewer had."""
    fixed = ("--port", str(free_port()), "--interval", "0.1")
    program = start_program(*fixed)
    with LIBRARIES[library](program.url) as viewer:
        hello = viewer.read()
        last = read_samples(viewer, 3)[-1]["seq"]
        assert program.stop() == 0
        assert viewer.read_close_code() == 1001
    restarted = start_program(*fixed)
    assert restarted.url == program.url
    with LIBRARIES[library](restarted.url, f"since={last}&stream={hello['stream']}") as viewer:
        again, history = viewer.read(), viewer.read()
        samples = history["samples"] + read_samples(viewer, 3)
    assert again["stream"] != hello["stream"]
    assert again["host"] == hello["host"]
    assert samples[0]["seq"] == 1
    assert_consecutive(seqs(samples))


def test_made_up_host_replaces_the_real_one(tmp_path: Path, start_program: StartProgram) -> None:
    """All numbers come from --proc-root; sections without files are absent, and psutil is not used."""
    for name, content in MADE_UP.items():
        path = tmp_path / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "sys").mkdir()
    roots = ("--proc-root", str(tmp_path / "proc"), "--sys-root", str(tmp_path / "sys"))
    program = start_program(*FAST, *roots)
    with websockets_viewer(program.url) as viewer:
        hello = viewer.read()
        sample = read_samples(viewer, 2)[-1]
    assert hello["host"]["name"] == "made-up"
    assert sample["memory"]["used_bytes"] == 400 * 1024
    assert sample["uptime_seconds"] == 9512.31
    assert sample["load"]["total_threads"] == 80
    assert sample["sources"]["tcp"]["state"] == "absent"
    assert sample["cpu"]["usage_percent"] is None  # its counters do not move


@pytest.mark.parametrize("host", CAPTURED)
def test_captured_host_is_streamed(host: str, start_program: StartProgram) -> None:
    """No source fails, and the numbers are those of the capture."""
    proc_root, sys_root = CAPTURED[host]
    program = start_program(*FAST, "--proc-root", proc_root, "--sys-root", sys_root)
    with websockets_viewer(program.url, "since=0") as viewer:
        hello, history = viewer.read(), viewer.read()
        samples = history["samples"] + read_samples(viewer, 3)
    assert_consecutive(seqs(samples))
    meminfo = Path(proc_root, "meminfo").read_text().split()
    total_bytes = int(meminfo[meminfo.index("MemTotal:") + 1]) * 1024
    name = Path(proc_root, "sys/kernel/hostname")
    if name.exists():
        assert hello["host"]["name"] == name.read_text().strip()
    for sample in samples:
        assert sample["memory"]["total_bytes"] == total_bytes
        assert sample["cpu"]["online_count"] == hello["host"]["cores"]
        failed = {n: s for n, s in sample["sources"].items() if s["state"] == "failed"}
        assert not failed


def test_every_viewer_gets_the_same_sample(start_program: StartProgram) -> None:
    """From the API, over WebSocket with both libraries, and as a JSON line."""
    program = start_program("--port", "0", "--interval", "60")
    with ExitStack() as stack:
        samples: list[Any] = []
        for library in LIBRARIES.values():
            viewer = stack.enter_context(library(program.url, "since=0"))
            assert viewer.read()["type"] == "hello"
            samples.extend(viewer.read()["samples"] or read_samples(viewer, 1))
        samples.append(get(program.url, "/api/v1/sample")[1])
        samples.extend(get(program.url, "/api/v1/history")[1]["samples"])
        lines = stack.enter_context(lines_reader(program.url))
        assert next(lines)["type"] == "hello"
        samples.append(next(lines))
    assert len({json.dumps(sample) for sample in samples}) == 1
    assert len(samples) == 5
