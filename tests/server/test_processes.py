"""The route of all processes, over real HTTP and on the processes of this machine."""

from __future__ import annotations

import os
import subprocess

import pytest

from telemetry_stream import App, Settings
from telemetry_stream.metrics.sources.process_list import MAX_PAGE_ROWS
from tests.conftest import eventually
from tests.server.service import Service
from tests.viewers import get


def test_a_page_of_all_processes() -> None:
    """Nobody has requested processes before: the request waits for the first reading. Rows are those of the section."""
    with (
        App(Settings(port=0, process_arguments="full")) as app,
        subprocess.Popen(["/bin/sleep", "31415.9"]) as sleeper,
    ):
        try:
            path = "/api/v1/processes?filter=SLEEP%2031415.9"
            # On a busy machine, not all command lines are read for the first request.
            assert eventually(lambda: get(app.url, path)[1].get("unread") == 0)
            status, page = get(app.url, path)
            assert status == 200
            assert list(page) == ["total", "matching", "offset", "unread", "processes"]
            (row,) = page["processes"]
            assert (row["pid"], row["name"]) == (sleeper.pid, "sleep")
            assert row["command"] == "/bin/sleep 31415.9"
            _, all_of_them = get(app.url, "/api/v1/processes?sort=pid&limit=2&offset=1")
            assert all_of_them["matching"] == all_of_them["total"] > 2
            assert len(all_of_them["processes"]) == 2
            _, sample = get(app.url, "/api/v1/sample?sections=processes")
            assert row.keys() == sample["processes"]["top"][0].keys()
            _, reverse = get(app.url, f"/api/v1/processes?sort=pid&reverse=1&filter={os.getpid()}")
            assert os.getpid() in [one["pid"] for one in reverse["processes"]]
        finally:
            sleeper.kill()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("limit=0", "limit = '0': must be a whole number from 1 to 200"),
        (f"limit={MAX_PAGE_ROWS + 1}", "must be a whole number from 1 to 200"),
        ("offset=-1", "must be a whole number from 0 to 4194304"),
        ("sort=comm", "sort = 'comm': must be one of cpu_percent, memory_rss_bytes, threads"),
        ("reverse=2", "must be a whole number from 0 to 1"),
        ("filter=" + "x" * 201, "filter: 201 characters are too many (allowed: 200)"),
        ("page=1", "Unknown parameter 'page'"),
    ],
)
def test_a_bad_parameter_is_refused(query: str, reason: str) -> None:
    """With what is allowed."""
    with Service() as service:
        answer = service.ask(f"/api/v1/processes?{query}")
        assert answer.status == 400
        assert reason in answer.json["error"]


def test_a_host_that_this_program_does_not_sample_has_no_list() -> None:
    """Its own program has it."""
    with Service() as service:
        service.publish(1)
        answer = service.ask("/api/v1/processes")
        assert answer.status == 404
        assert "itself can list all its processes" in answer.json["error"]
