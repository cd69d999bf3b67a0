"""Reports of wrong numbers by users of other monitors, as small hosts: tests/fixtures/numbers/*.json.

A file has the report, what was wrong and why, and the steps: at each of them, files are written over those of base.json
and a sample is taken. The checks are of the last sample.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.source import Clock, Options

CASES = Path(__file__).parent.parent / "fixtures" / "numbers"
NOBODY = 65534
SIZES = {
    "f_frsize": 4096,
    "f_blocks": 1000,
    "f_bfree": 500,
    "f_bavail": 450,
    "f_files": 100,
    "f_ffree": 50,
}

# Paths that were opened since it was cleared. An audit hook cannot be removed, so that there is one for all cases.
_opened: Counter[str] = Counter()
_hooked = False


def case_names() -> list[str]:
    """Return the names of all cases."""
    return sorted(path.stem for path in CASES.glob("*.json") if path.stem != "base")


def load(name: str) -> Any:
    """Return the content of a case."""
    return json.loads((CASES / f"{name}.json").read_text())


def plain(value: Any) -> Any:
    """Return records as dictionaries and tuples as lists."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def lay(step: Any, root: Path) -> None:
    """Write the files of a step in place, so that open descriptors read the new content, and make its links."""
    for path, content in step.get("files", {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode())
    for path, target in step.get("links", {}).items():
        link = root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(link):
            link.unlink()
        link.symlink_to(target)


class Played:
    """The last sample of a case, and what was opened and called for it."""

    def __init__(self, case: Any, root: Path) -> None:
        """``root`` is an empty directory that every user can read."""
        self.sample: dict[str, Any] = {}
        self.opened: Counter[str] = Counter()
        self.statvfs_calls: Counter[str] = Counter()
        self._root = root
        self._sizes = case.get("statvfs", {})
        self._play(case)

    def _play(self, case: Any) -> None:
        times: dict[str, float] = {}
        clock = Clock(
            *(lambda name=name: times[name] for name in ("monotonic", "boottime", "realtime"))
        )
        lay(load("base"), self._root)
        for path in case.get("delete", ()):
            _remove(self._root / path)
        collector = None
        _watch()
        try:
            for step in case["steps"]:
                lay(step, self._root)
                at = step["at"]
                times.update(monotonic=1000.0 + at, boottime=1000.0 + at, realtime=case["now"] + at)
                as_nobody = bool(case.get("forbid")) and os.geteuid() == 0
                for path in case.get("forbid", ()):
                    (self._root / path).chmod(0)
                if as_nobody:
                    os.seteuid(NOBODY)
                try:
                    if collector is None:
                        collector = Collector(
                            proc_root=str(self._root / "proc"),
                            sys_root=str(self._root / "sys"),
                            clock=clock,
                            options=Options(
                                process_rows=None, timeout_seconds=10.0, statvfs=self._statvfs
                            ),
                        )
                    _opened.clear()
                    sample = collector.collect(collector.section_names)
                    self.opened.update(_opened)
                finally:
                    if as_nobody:
                        os.seteuid(0)
                self.sample = {
                    **plain(sample.sections),
                    "sources": plain(sample.sources),
                    "host": plain(collector.host),
                }
        finally:
            if collector is not None:
                collector.close()

    def path(self, path: str) -> str:
        """Return the path of a file of the case."""
        return str(self._root / path)

    def _statvfs(self, path: str) -> Any:
        mountpoint = path.removeprefix(f"{self._root}/proc/1/root") or "/"
        self.statvfs_calls[mountpoint] += 1
        return SimpleNamespace(**self._sizes.get(mountpoint, self._sizes.get("", SIZES)))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def _watch() -> None:
    global _hooked  # noqa: PLW0603 (a hook of the interpreter is global)
    if not _hooked:
        _hooked = True
        sys.addaudithook(
            lambda event, arguments: (
                _opened.update([arguments[0]])
                if event == "open" and isinstance(arguments[0], str)
                else None
            )
        )


MISSING = "missing"


def complaint(check: Any, played: Played) -> str | None:
    """Return what is wrong with one value, or None."""
    if "opened" in check or "statvfs_calls" in check:
        if "opened" in check:
            count = played.opened[played.path(check["opened"])]
        else:
            count = played.statvfs_calls[check["statvfs_calls"]]
        return f"{check}: {count}" if count > check["at_most"] else None
    if "list" not in check:
        value: Any = played.sample
        for part in check["path"].split("."):
            value = value.get(part, MISSING) if isinstance(value, dict) else MISSING
        return None if is_right(check, value) else f"{check}: {value!r}"
    rows: Any = played.sample.get(check["list"]) or []
    if check["list"] == "processes":
        rows = rows["top"]
    found = [
        row
        for row in rows
        if all(row.get(key) == value for key, value in check.get("where", {}).items())
    ]
    if "count" in check:
        return None if len(found) == check["count"] else f"{check}: {found}"
    if check.get("absent"):
        return f"{check}: {found}" if found else None
    if not found:
        return None if check.get("absent_ok") else f"{check}: no such row in {rows}"
    value = found[0].get(check["field"], MISSING)
    return None if is_right(check, value) else f"{check}: {value!r}"


def is_right(check: Any, value: Any) -> bool:
    """Return whether a value passes the check."""
    if "not_any_of" in check:
        return value not in check["not_any_of"]
    if "any_of" in check:
        return any(is_equal(value, right, check) for right in check["any_of"])
    if check.get("null"):
        low, high = check.get("or_between", (0, check.get("or_at_most", -1)))
        return value in (None, MISSING) or low <= value <= high
    return is_equal(value, check["equals"], check)


def is_equal(value: Any, right: Any, check: Any) -> bool:
    """Return whether a value is the right one, within a tolerance."""
    if right is None:
        return value in (None, MISSING)
    if isinstance(right, str | bool) or not isinstance(value, int | float):
        return bool(value == right)
    return bool(abs(value - right) <= check.get("tol", 1e-6 * max(1.0, abs(right))))
