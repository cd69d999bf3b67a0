"""Recognising containers by the path of their control group."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sources import container_path
from telemetry_stream.metrics.sources.container_path import (
    Identity,
    find_containers,
    maybe_identify,
)

ID = "4f5a6b7c8d9e" + "0123456789abcdef" * 3 + "0123"
UID = "0a1b2c3d-1111-2222-3333-444455556666"
UNDERSCORED = UID.replace("-", "_")
STATIC_UID = "0a1b2c3d11112222333344445555aaaa"
BURSTABLE = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UNDERSCORED}.slice"


@pytest.mark.parametrize(
    ("path", "runtime", "pod", "unit"),
    [
        (f"/system.slice/docker-{ID}.scope", "docker", None, f"docker-{ID}.scope"),
        (f"/docker/{ID}", "docker", None, None),
        (f"/machine.slice/libpod-{ID}.scope", "podman", None, f"libpod-{ID}.scope"),
        (
            f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
            "podman",
            None,
            f"libpod-{ID}.scope",
        ),
        (f"/libpod_parent/libpod-{ID}", "podman", None, None),
        (f"/system.slice/web.service/libpod-payload-{ID}", "podman", None, "web.service"),
        (f"{BURSTABLE}/cri-containerd-{ID}.scope", "kubernetes", UID, f"cri-containerd-{ID}.scope"),
        (f"{BURSTABLE}/crio-{ID}.scope", "kubernetes", UID, f"crio-{ID}.scope"),
        (f"{BURSTABLE}/docker-{ID}.scope", "kubernetes", UID, f"docker-{ID}.scope"),
        (f"/kubepods/besteffort/pod{UID}/{ID}", "kubernetes", UID, None),
        (f"/kubepods/pod{UID}/{ID}", "kubernetes", UID, None),
        (f"/kubepods/pod{UID}/crio-{ID}", "kubernetes", UID, None),
        (
            f"/kubepods.slice/kubepods-pod{STATIC_UID}.slice/cri-containerd-{ID}.scope",
            "kubernetes",
            STATIC_UID,
            f"cri-containerd-{ID}.scope",
        ),
        (
            f"/system.slice/containerd.service/kubepods-pod{UNDERSCORED}.slice:cri-containerd:{ID}",
            "kubernetes",
            None,
            "containerd.service",
        ),
        (f"/system.slice/nerdctl-{ID}.scope", "other", None, f"nerdctl-{ID}.scope"),
        (f"/default/{ID}", "other", None, None),
    ],
)
def test_a_container_with_an_id(path: str, runtime: str, pod: str | None, unit: str | None) -> None:
    """With the drivers systemd and cgroupfs of each runtime."""
    identity = maybe_identify(path)
    assert identity == Identity(runtime, ID, None, pod, unit)
    assert identity.short_id == "4f5a6b7c8d9e"


@pytest.mark.parametrize(
    ("path", "runtime", "name", "unit"),
    [
        (
            r"/machine.slice/systemd-nspawn@db\x2done.service",
            "nspawn",
            "db-one",
            r"systemd-nspawn@db\x2done.service",
        ),
        ("/system.slice/systemd-nspawn@a.service", "nspawn", "a", "systemd-nspawn@a.service"),
        (r"/machine.slice/machine-b\xc3\xa9.scope", "nspawn", "bé", r"machine-b\xc3\xa9.scope"),
        ("/lxc.payload.web", "lxc", "web", None),
        ("/lxc.payload/web", "lxc", "web", None),
        ("/lxc/101", "lxc", "101", None),
        (
            r"/machine.slice/machine-lxc\x2d12\x2dweb.scope",
            "lxc",
            "web",
            r"machine-lxc\x2d12\x2dweb.scope",
        ),
    ],
)
def test_a_container_with_a_name(path: str, runtime: str, name: str, unit: str | None) -> None:
    """systemd escapes the names of machines."""
    identity = maybe_identify(path)
    assert identity == Identity(runtime, name, name, None, unit)
    assert identity.short_id == name


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/system.slice",
        "/system.slice/docker.service",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"{BURSTABLE}/crio-conmon-{ID}.scope",
        BURSTABLE,
        f"/kubepods/burstable/pod{UID}",
        r"/machine.slice/machine-qemu\x2d1\x2dvm.scope",
        "/lxc.monitor.web",
        "/lxc",
        f"/system.slice/docker-{ID[1:]}.scope",
        f"/docker/{ID.upper()}",
        f"/docker/{ID}0",
        "/user.slice/machine-web.scope",
    ],
)
def test_other_groups_are_no_containers(path: str) -> None:
    """Slices, services, monitors, virtual machines, and ids of another length."""
    assert maybe_identify(path) is None


@given(st.lists(st.text(st.characters(exclude_characters="/\0")), max_size=4))
def test_any_path_is_identified_or_not(parts: list[str]) -> None:
    """Without an exception, and its texts can be encoded."""
    identity = maybe_identify("/" + "/".join(parts))
    if identity is not None:
        assert identity.id


def make(root: Path, *paths: str) -> str:
    """Make groups, each with a file, and return the root."""
    for path in paths:
        group = root / path.lstrip("/")
        group.mkdir(parents=True, exist_ok=True)
        (group / "cpu.stat").write_text("usage_usec 1\n")
    return str(root)


def test_containers_are_found_in_the_whole_hierarchy(tmp_path: Path) -> None:
    """What is in a container is not searched: its groups are its own."""
    docker, pod = f"/system.slice/docker-{ID}.scope", f"/kubepods/pod{UID}/{ID}"
    root = make(
        tmp_path,
        docker,
        f"{docker}/system.slice/docker-{ID}.scope",
        pod,
        "/system.slice/a.service",
        "/init.scope",
    )
    assert find_containers(root).keys() == {docker, pod}


USERS = "/user.slice/user-1000.slice/user@1000.service/app.slice"


def test_the_groups_of_a_user_do_not_hide_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user can make any number of groups below their own, with any names."""
    system, pod = f"/system.slice/docker-{ID}.scope", f"/kubepods/burstable/pod{UID}/{ID}"
    own = [f"{USERS}/docker-{number:064x}.scope" for number in range(12)]
    root = make(tmp_path, system, pod, f"{USERS}/docker-{ID}.scope", *own)
    assert find_containers(root).keys() == {system, pod, *own}
    monkeypatch.setattr(container_path, "MAX_CONTAINERS", 5)
    assert list(find_containers(root)) == [system, pod, *own[:3]]


def test_a_container_is_the_first_group_with_its_id(tmp_path: Path) -> None:
    """Nearest to the root, whatever the names of the directories."""
    first = f"/z.slice/docker-{ID}.scope"
    root = make(tmp_path, first, f"/a.slice/b.slice/docker-{ID}.scope", f"/a.slice/c/docker/{ID}")
    assert find_containers(root).keys() == {first}


def test_the_names_of_one_directory_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other directories are searched all the same."""
    monkeypatch.setattr(container_path, "MAX_IN_DIRECTORY", 3)
    root = make(tmp_path, f"/x/docker/{ID}", *(f"/docker/{number:064x}" for number in range(9)))
    found = find_containers(root)
    assert len(found) == 4
    assert f"/x/docker/{ID}" in found


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """It could lead to the root again."""
    root = make(tmp_path, "/docker")
    (tmp_path / "docker" / ID).symlink_to(tmp_path)
    assert find_containers(root) == {}


def test_directories_may_vanish_during_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After they were listed."""
    root = make(tmp_path, f"/a/docker/{ID}", f"/b/docker/{ID}")
    real = os.stat

    def stat(path: str) -> os.stat_result:
        if path.endswith("/a"):
            shutil.rmtree(path)
        return real(path)

    monkeypatch.setattr(os, "stat", stat)
    assert find_containers(root).keys() == {f"/b/docker/{ID}"}


def test_the_search_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In depth, in directories, and in containers."""
    deep = "/d" * container_path.MAX_DEPTH
    first, second = f"/docker/{1:064x}", f"/x/docker/{2:064x}"
    root = make(tmp_path, f"{deep}/docker/{ID}", first, second)
    assert find_containers(root).keys() == {first, second}
    with monkeypatch.context() as patched:
        patched.setattr(container_path, "MAX_CONTAINERS", 1)
        assert len(find_containers(root)) == 1
    monkeypatch.setattr(container_path, "MAX_DIRECTORIES", 1)
    assert find_containers(root) == {}
    assert find_containers(str(tmp_path / "none")) == {}
