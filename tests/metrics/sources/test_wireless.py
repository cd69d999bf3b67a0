"""The signal of Wi-Fi interfaces."""

from __future__ import annotations

from hypothesis import given

from telemetry_stream.metrics.sources.wireless import parse
from tests.metrics.trees import odd

HEAD = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
"""
LINE = "{}: 0000   54.  {}  -256        0      0      0      0     43        0\n"


def test_levels_in_dbm_by_interface() -> None:
    """A dot marks a new value. -256 is unknown, and drivers with another scale have no negative level."""
    rows = [("wlan0", "-56."), ("wlp2s0", "-71"), ("old0", "40."), ("idle0", "-256"), ("x", "?")]
    content = HEAD + "".join(LINE.format(name, level) for name, level in rows)
    assert parse(content.encode()) == {"wlan0": -56, "wlp2s0": -71}


@given(odd((HEAD + LINE.format("wlan0", "-56.")).encode()))
def test_any_content_is_parsed(content: bytes) -> None:
    """A level is a possible one."""
    assert all(-192 <= level < 0 for level in parse(content).values())
