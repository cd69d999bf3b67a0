"""Clean Debian roots, made by debootstrap once and kept for later runs: for test-image and test-service, as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

KEPT = Path("/var/tmp/telemetry-stream-roots")  # noqa: S108 (only root uses it)
# The configuration with which this machine reaches its package registries; the roots get a copy.
CONFIGURATION = (
    "/etc/resolv.conf",
    "/etc/pip.conf",
    "/etc/npmrc",
    "/root/.npmrc",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/xdg/pip",
)


def run(*command: str | Path) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, stdout=sys.stderr)


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return the kept root of this name. ``make`` fills a new one, which is kept only if it is complete."""
    root = KEPT / name
    if not root.is_dir():
        KEPT.mkdir(mode=0o700, exist_ok=True)
        making = root.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        make(making)
        making.rename(root)
    return root


def debootstrap(root: Path, suite: str, packages: Sequence[str]) -> None:
    """Make a small Debian with these packages in ``root``."""
    print(f"creating a Debian {suite} in {KEPT}, which is kept for later runs", file=sys.stderr)
    run("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, root)
    for name in CONFIGURATION:
        if os.path.isdir(name):
            shutil.copytree(name, root / name[1:], dirs_exist_ok=True)
        elif os.path.exists(name):
            shutil.copy2(name, root / name[1:])


def require(program: str) -> None:
    """Exit if this process is not root, or debootstrap is missing."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise SystemExit(
            f"{program} requires root and debootstrap (Debian: apt install debootstrap)."
        )
