"""Damaged /proc and /sys trees: a sample always has a JSON form and the state of every source."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.source import Options
from telemetry_stream.stream.encoded import encode
from tests.metrics.replay import HOSTS, host_names
from tests.metrics.trees import odd


@pytest.mark.parametrize("host", host_names())
def test_any_content(host: str, tmp_path: Path) -> None:
    """One to three files of a captured host are cut, doubled, overwritten or replaced, between two samples."""
    tree = tmp_path / host
    shutil.copytree(HOSTS / host / "t1", tree, symlinks=True)
    files = sorted(
        path
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink() and path.suffix != ".json"
    )
    originals = {path: path.read_bytes() for path in files}
    collector = Collector(
        proc_root=str(tree / "proc"),
        sys_root=str(tree / "sys"),
        options=Options(process_rows=None, timeout_seconds=10.0),
        fallback=(),
    )

    @settings(max_examples=25)
    @given(st.data())
    def damage(data: st.DataObject) -> None:
        damaged = data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=3, unique=True))
        try:
            for path in damaged:
                path.write_bytes(data.draw(odd(originals[path])))
            sample = collector.collect(collector.section_names)
            text = b"".join(encode(sample).parts(b'{"type":"sample"', collector.section_names))
            sources = json.loads(text)["sources"]
            assert set(sources) == set(collector.section_names)
            assert not [s for s in sources.values() if s.get("reason", "").startswith("no JSON")]
        finally:
            for path in damaged:
                path.write_bytes(originals[path])

    try:
        damage()
    finally:
        collector.close()
