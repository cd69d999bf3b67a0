"""When the dashboard is built, by which Node, and the sentences where it cannot be."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import build_web
import pytest


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project whose web sources are of second 1000, and a PATH of its own."""
    for name in ("web/index.html", "web/package.json", "web/package-lock.json", "web/src/main.tsx"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "web" / "public").mkdir()
    (tmp_path / "bin").mkdir()
    for path in (tmp_path / "web").rglob("*"):
        os.utime(path, (1000, 1000))
    monkeypatch.setattr(build_web, "ROOT", tmp_path)
    monkeypatch.setattr(build_web, "WEB", tmp_path / "web")
    monkeypatch.setattr(build_web, "PAGE", tmp_path / "telemetry_stream" / "static" / "index.html")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def put_program(tree: Path, name: str, script: str) -> None:
    """Put a shell script on PATH."""
    path = tree / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def put_page(seconds: float) -> None:
    """A built page of that time."""
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
def test_a_node_must_be_one_that_vite_runs_on(tree: Path, version: str, fits: bool) -> None:
    """^20.19 or 22.12 and newer; the odd releases between are refused by Vite."""
    put_program(tree, "node", f"echo {version}")
    put_program(tree, "npm", "")
    assert build_web.has_node() is fits


def test_node_without_npm_is_no_use(tree: Path) -> None:
    """Distributions package npm apart; without it nothing can be installed."""
    put_program(tree, "node", "echo v24.1.0")
    assert not build_web.has_node()


def test_the_page_is_stale_when_a_source_is_newer(tree: Path) -> None:
    """No page, an edited file, and a removed one ask for a build; a page as new as its sources does not."""
    assert not build_web.is_built()
    put_page(1000)
    assert build_web.is_built()
    os.utime(tree / "web" / "src" / "main.tsx", (1001, 1001))
    assert not build_web.is_built()
    put_page(1001)
    assert build_web.is_built()
    (tree / "web" / "src" / "main.tsx").unlink()
    assert not build_web.is_built()


def test_an_unpacked_sdist_is_built_whatever_its_times_say(tree: Path) -> None:
    """An unpacker that loses times does not make a host without Node need one."""
    put_page(1)
    assert not build_web.is_built()
    (tree / "PKG-INFO").write_text("")
    assert build_web.is_built()


def test_without_node_one_sentence_says_what_to_do(tree: Path) -> None:
    """The build ends with the ways out, not with a traceback."""
    with pytest.raises(SystemExit) as left:
        build_web.build()
    assert left.value.code == build_web.NODE_SENTENCE


def test_a_failing_npm_is_named(tree: Path) -> None:
    """The sentence names the command that failed and its status."""
    put_program(tree, "node", "echo v24.1.0")
    put_program(tree, "npm", "exit 7")
    with pytest.raises(
        SystemExit, match="'npm ci --no-audit --no-fund' in web/ ended with status 7"
    ):
        build_web.build()


def test_a_build_installs_what_is_missing_and_runs_once(tree: Path) -> None:
    """npm ci only where node_modules is not as the lock says, npm run build only where the page is stale."""
    said = tree / "said"
    put_program(tree, "node", "echo v24.1.0")
    put_program(
        tree,
        "npm",
        f"""echo "$@" >> {said}
if [ "$1" = ci ]; then /bin/mkdir node_modules && : > node_modules/.package-lock.json
else /bin/mkdir -p ../telemetry_stream/static && : > ../telemetry_stream/static/index.html; fi""",
    )
    build_web.build()
    build_web.build()
    assert said.read_text().splitlines() == ["ci --no-audit --no-fund", "run build"]
    os.utime(build_web.PAGE, (1, 1))
    build_web.build()
    assert said.read_text().splitlines()[2:] == ["run build"]
    future = (tree / "web" / "node_modules" / ".package-lock.json").stat().st_mtime + 1
    os.utime(tree / "web" / "package-lock.json", (future, future))
    assert not build_web.has_modules()


def test_a_build_that_makes_no_page_is_no_success(tree: Path) -> None:
    """A Vite that writes elsewhere is found here, not by the first visitor."""
    put_program(tree, "node", "echo v24.1.0")
    put_program(tree, "npm", "")
    with pytest.raises(SystemExit, match=r"made no telemetry_stream/static/index\.html"):
        build_web.build()


def test_what_becomes_smaller_is_compressed_beside_itself(tree: Path) -> None:
    """For whoever builds a wheel from a built page, too; anew when the file is newer; the same bytes each time."""
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
