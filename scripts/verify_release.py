"""Install a release in an empty root and use it: verify_release.py DIST SOURCE ROOT

Compares the checksums, installs the wheel below ROOT with install-service of SOURCE and a small environment, starts the
program, and reads the page, a sample and the metrics. Exits with 1 and the reason if one of these fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

# What pip and Python need of the environment: where the package index is, and its certificate.
KEPT = re.compile("^(pip_|ssl_cert|https?_proxy|no_proxy)", re.IGNORECASE)
START_SECONDS = 30


class ReleaseError(Exception):
    """The release does not work."""


def check_sums(dist: Path) -> None:
    """Compare each file with SHA256SUMS. Raises ReleaseError for a file that differs or is not listed."""
    listed = {}
    for line in (dist / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    for path in sorted(dist.iterdir()):
        if path.name == "SHA256SUMS":
            continue
        if listed.pop(path.name, None) != hashlib.sha256(path.read_bytes()).hexdigest():
            raise ReleaseError(f"{path.name} is not in SHA256SUMS, or differs")
    if listed:
        raise ReleaseError(f"missing: {', '.join(listed)}")


def install(dist: Path, source: Path, root: Path) -> Path:
    """Install the wheel below ``root``; return the program."""
    (wheel,) = dist.glob("*.whl")
    root.mkdir()
    environment = {name: value for name, value in os.environ.items() if KEPT.match(name)}
    environment |= {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(root)}
    command: list[str | Path] = [
        source / "scripts/install-service",
        "--wheel",
        wheel,
        "--root",
        root,
    ]
    subprocess.run(command, env=environment, check=True)
    return root / "opt/telemetry-stream/bin/telemetry-stream"


def use(program: Path, version: str) -> None:
    """Start the program on a free port, and read from it what a user reads. Raises ReleaseError."""
    with subprocess.Popen(
        [program, "--port", "0"], stdout=subprocess.PIPE, text=True, env={"HOME": "/nonexistent"}
    ) as process:
        try:
            address = _address(process)
            page = _get(address)
            if '<div id="root">' not in page:
                raise ReleaseError(f"the page has no root element: {page[:200]}")
            for asset in re.findall(r'(?:src|href)="(?:\./|/)?(assets/[^"]+)"', page):
                _get(address + asset)
            sample = json.loads(_get(address + "api/v1/sample"))
            if sample["type"] != "sample":
                raise ReleaseError(f"no sample: {sample}")
            if "telemetry_stream_samples_total" not in _get(address + "metrics"):
                raise ReleaseError("/metrics does not count samples")
        finally:
            process.terminate()
        if process.wait(START_SECONDS) != 0:
            raise ReleaseError(f"the program ended with {process.returncode} after SIGTERM")
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if version not in shown.stdout:
        raise ReleaseError(f"--version shows {shown.stdout.strip()}")


def _address(process: subprocess.Popen[str]) -> str:
    timer = threading.Timer(START_SECONDS, process.kill)  # ends the output, too
    timer.start()
    try:
        for line in process.stdout or ():
            if found := re.search(r"http://[^\s/]+/", line):
                return found[0]
    finally:
        timer.cancel()
    raise ReleaseError(f"the program printed no address within {START_SECONDS} s")


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=START_SECONDS) as answer:  # noqa: S310 (the program's)
        text: str = answer.read().decode()
        return text


def main() -> None:
    """Verify the release of the command line."""
    dist, source, root = map(Path, sys.argv[1:])
    (wheel,) = dist.glob("*.whl")
    check_sums(dist)
    use(install(dist, source, root), wheel.name.split("-")[1])


if __name__ == "__main__":
    try:
        main()
    except (ReleaseError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"verify_release: {error}")
