"""Restarts of containers: directories that are removed and made again."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_stream.metrics import directory_watch
from telemetry_stream.metrics.sample import LongList
from telemetry_stream.metrics.sources import container_restarts
from telemetry_stream.metrics.sources.container_path import Identity, find_containers
from telemetry_stream.metrics.sources.container_record import Described
from telemetry_stream.metrics.sources.container_restarts import (
    MAX_RECENT,
    MAX_ROWS,
    RECENT_SECONDS,
    Restarts,
)

ID = "4f5a6b7c8d9e" + "0" * 52
DOCKER = f"/system.slice/docker-{ID}.scope"


class Host:
    """A hierarchy of control groups and the restarts in it."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.restarts = Restarts()
        self.now = 100.0
        self.found: dict[str, Identity] = {}

    def make(self, path: str) -> None:
        """Make a group."""
        os.makedirs(self.root + path)

    def remove(self, path: str) -> None:
        """Remove a group."""
        os.rmdir(self.root + path)

    def restart(self, path: str, times: int = 1) -> None:
        """Remove a group and make it again."""
        for _ in range(times):
            self.remove(path)
            self.make(path)

    def search(self, seconds: float = 5.0) -> None:
        """Note the containers that are found after some time."""
        self.found = find_containers(self.root)
        self.tick(seconds)

    def tick(self, seconds: float = 1.0) -> None:
        """Note what happens between two searches."""
        self.now += seconds
        self.restarts.update(self.now, self.root, self.found)

    def rows(self) -> list[tuple[str, int, int]]:
        """Return the beginning of the id, all restarts, and the recent ones."""
        return [
            (one.short_id, count, recent) for one, count, recent in self.restarts.rows(self.now)
        ]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host with systemd and Docker, and without containers."""
    made = Host(tmp_path)
    made.make("/system.slice/ssh.service")
    yield made
    made.restarts.close()


@pytest.mark.parametrize(
    "path",
    [
        DOCKER,
        f"/docker/{ID}",
        f"/machine.slice/libpod-{ID}.scope",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
        f"/default/{ID}",
        "/machine.slice/systemd-nspawn@db.service",
        "/lxc.payload.web",
    ],
)
def test_each_restart_of_each_runtime_is_counted(host: Host, path: str) -> None:
    """Those before the first search are not known."""
    host.make(path)
    host.restart(path)
    host.search()
    assert host.restarts.maybe_count(path) == 0
    host.restart(path, 3)
    host.tick()
    host.restart(path)
    host.search()
    assert host.restarts.maybe_count(path) == 4
    assert host.restarts.version == 4
    assert [row[1:] for row in host.rows()] == [(4, 4)]


def test_a_container_that_fails_at_once_needs_not_be_found(host: Host) -> None:
    """It never exists when containers are looked for. The directory of the runtime is watched from the beginning."""
    host.search()
    for _ in range(3):
        host.make(DOCKER)
        host.remove(DOCKER)
        host.tick(60.0)
        host.search(0.0)
    assert host.rows() == [("4f5a6b7c8d9e", 2, 2)]


def test_what_is_no_restart(host: Host) -> None:
    """A new container, a service, a monitor of Podman, and a container of Kubernetes, which gets another id."""
    pod = "/kubepods.slice/kubepods-pod0a1b2c3d_1111_2222_3333_444455556666.slice"
    others = (
        "/system.slice/web.service",
        f"/system.slice/libpod-conmon-{ID}.scope",
        f"{pod}/cri-containerd-{ID}.scope",
    )
    for path in others:
        host.make(path)
    host.search()
    for path in others:
        host.restart(path)
    for number in range(3):
        host.make(f"/system.slice/docker-{number:064x}.scope")
        host.tick()
        host.search()
    assert host.rows() == []
    assert host.restarts.maybe_count(others[-1]) is None
    assert host.restarts.maybe_count(f"/system.slice/docker-{2:064x}.scope") == 0


def test_a_new_container_that_a_search_finds_before_its_event_is_read(host: Host) -> None:
    """It is no restart."""
    host.search()
    host.found = {DOCKER: Identity("docker", ID, None, None, None)}
    host.tick()
    host.make(DOCKER)
    host.tick()
    assert host.restarts.maybe_count(DOCKER) == 0


def test_what_ended_is_remembered_for_15_minutes(host: Host) -> None:
    """What runs stays known."""
    host.make(DOCKER)
    host.search()
    for _ in range(3):
        host.search(RECENT_SECONDS)
    host.remove(DOCKER)
    host.search(RECENT_SECONDS - 1.0)
    host.make(DOCKER)
    host.tick()
    assert host.rows() == [("4f5a6b7c8d9e", 1, 1)]
    host.remove(DOCKER)
    host.search(RECENT_SECONDS)
    host.make(DOCKER)
    host.tick()
    assert host.restarts.maybe_count(DOCKER) == 0
    assert host.rows() == []


def test_recent_restarts_are_those_of_15_minutes(host: Host) -> None:
    """The count of all stays."""
    host.make(DOCKER)
    host.search()
    for _ in range(4):
        host.restart(DOCKER)
        host.search(300.0)
    assert host.rows() == [("4f5a6b7c8d9e", 4, 3)]
    host.search(RECENT_SECONDS)
    assert host.rows() == []
    assert host.restarts.maybe_count(DOCKER) == 4


def test_the_memory_is_bounded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The containers that were seen last are kept, and at most 100 times of each."""
    monkeypatch.setattr(container_restarts, "MAX_CONTAINERS", 1)
    monkeypatch.setattr(container_restarts, "MAX_ENDED", 2)
    host.make(DOCKER)
    host.search()
    for number in range(5):
        path = f"/system.slice/docker-{number:064x}.scope"
        host.make(path)
        host.restart(path)
        host.remove(path)
        host.search()
        assert len(host.restarts._known) <= 3
    assert [row[1:] for row in host.rows()] == [(1, 1), (1, 1)]
    assert host.restarts.maybe_count(DOCKER) == 0
    host.restart(DOCKER, MAX_RECENT + 1)
    host.tick()
    assert host.rows()[-1] == ("4f5a6b7c8d9e", MAX_RECENT + 1, MAX_RECENT)


def test_a_directory_that_was_made_again_is_watched_again(host: Host) -> None:
    """That of a user who logged out, for example. The count goes on."""
    path = f"/user.slice/libpod-{ID}.scope"
    host.make(path)
    host.search()
    host.restart(path)
    host.search()
    host.remove(path)
    host.remove("/user.slice")
    host.search()
    host.make(path)
    host.search()
    host.restart(path)
    host.search()
    assert host.restarts.maybe_count(path) == 2


def test_without_inotify_the_counts_are_unknown(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the reason once, and when they are counted again."""
    caplog.set_level(logging.INFO)
    host.make(DOCKER)

    def refuse(_: directory_watch.DirectoryWatch) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(directory_watch.DirectoryWatch, "_open", refuse)
        for _ in range(2):
            host.search()
            host.restart(DOCKER)
            assert host.restarts.maybe_count(DOCKER) is None
    host.search()
    assert host.restarts.maybe_count(DOCKER) == 0
    assert [record.getMessage() for record in caplog.records] == [
        "Restarts of containers are not counted: inotify: Too many open files",
        "Restarts of containers are counted",
    ]


def test_a_kernel_without_control_groups(host: Host) -> None:
    """Nothing is watched."""
    host.restarts.update(1.0, None, {})
    assert host.rows() == []


def test_messages_have_those_with_the_most_restarts() -> None:
    """At most 64, with their names if the runtime reports them. Others have their id as name. Alerts have all."""
    rows = [(Identity("docker", f"{n:064x}", None, None, None), n + 5, n) for n in range(MAX_ROWS)]
    rows.append((Identity("lxc", "web", "web", None, None), 200, 100))
    described = {f"{63:064x}": Described(name="db")}
    section = container_restarts.container_restarts(rows, described)
    assert isinstance(section, LongList)
    assert len(section) == MAX_ROWS + 1
    assert section.shown == section[:MAX_ROWS]
    assert [(row.name, row.restarts, row.recent_restarts) for row in section[:3]] == [
        ("web", 200, 100),
        ("db", 68, 63),
        ("0" * 12, 67, 62),
    ]
