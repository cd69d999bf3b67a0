"""scripts/pin-images, with a command instead of docker that returns digests or fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("Dockerfile", "docker-compose.fleet.yml", "deploy/grafana/docker-compose.yml")
DOCKER = 'for image; do :; done; echo "sha256:$(echo "$image" | cksum | cut -c1-6)"'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The script, and the files that it changes."""
    for name in ("scripts/pin-images", "scripts/lib.sh", *FILES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def pin(clone: Path, docker: str) -> subprocess.CompletedProcess[str]:
    """Run the script with this shell script as docker."""
    program = clone / "bin/docker"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{docker}\n")
    program.chmod(0o755)
    return subprocess.run(
        [clone / "scripts/pin-images"],
        env={"PATH": f"{program.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def texts(clone: Path) -> list[str]:
    """Return what the files contain."""
    return [(clone / name).read_text() for name in FILES]


def test_every_image_gets_its_digest(clone: Path) -> None:
    """Behind its tag. The rest of the line stays."""
    done = pin(clone, DOCKER)
    assert done.returncode == 0, done.stderr
    dockerfile, fleet, grafana = texts(clone)
    pinned = dict(line.split("@") for line in done.stderr.splitlines())
    assert f"FROM node:22-slim@{pinned['node:22-slim']} AS web\n" in dockerfile
    assert dockerfile.count(f"FROM python:3.13-slim@{pinned['python:3.13-slim']}") == 2
    assert dockerfile.count("@sha256:") == 3
    assert f"image: eclipse-mosquitto:2@{pinned['eclipse-mosquitto:2']}\n" in fleet
    assert grafana.count("@sha256:") == 2


def test_a_digest_is_replaced_by_the_newer_one(clone: Path) -> None:
    """Not followed by it."""
    pin(clone, "echo sha256:old")
    assert pin(clone, DOCKER).returncode == 0
    newer = texts(clone)
    assert "sha256:old" not in "".join(newer)
    pin(clone, DOCKER)
    assert texts(clone) == newer


def test_without_a_registry_nothing_is_changed(clone: Path) -> None:
    """The message names the image, below what docker printed."""
    before = texts(clone)
    done = pin(clone, 'case "$*" in *node*) echo sha256:1 ;; *) echo no route >&2; exit 1 ;; esac')
    assert done.returncode == 1
    assert done.stderr.endswith(
        "no route\nThe registry has no digest for eclipse-mosquitto:2; the reason is above. No file is changed.\n"
    )
    assert texts(clone) == before
