"""An embedding program's own broadcasts and sections, and what of them is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.stream import Resume
from tests.server.service import sample
from tests.stream.streaming import Viewer, publish, remembered, streaming


def test_own_broadcast_reaches_everybody() -> None:
    """Whatever they chose; it has no number and is not remembered."""
    with (
        streaming() as stream,
        Viewer(stream) as one,
        Viewer(stream, sections=("cpu",), every=7) as other,
    ):
        stream.broadcast("deploy", what="1.2 → 1.3", at={"t": [1, None]})
        for viewer in (one, other):
            assert viewer.message()["type"] == "hello"
            assert viewer.message() == {
                "type": "deploy",
                "what": "1.2 → 1.3",
                "at": {"t": [1, None]},
            }
        assert stream.seq == 0
        assert remembered(stream) == []


@pytest.mark.parametrize(
    ("type_", "own_fields"),
    [
        ("hello", {}),
        ("history", {}),
        ("sample", {}),
        ("deploy", {"type": "hello"}),
        ("deploy", {"value": float("nan")}),
        ("deploy", {"value": object()}),
        ("deploy", {"value": b"bytes"}),
    ],
)
def test_own_broadcast_that_is_refused(type_: str, own_fields: dict[str, Any]) -> None:
    """The stream's own types, and what is no JSON: the caller's error, and nobody hears of it."""
    with streaming() as stream, Viewer(stream) as viewer:
        with pytest.raises((ValueError, TypeError)):
            stream.broadcast(type_, **own_fields)
        stream.broadcast("after")
        assert viewer.message()["type"] == "hello"
        assert viewer.message() == {"type": "after"}


def _endless() -> dict[str, object]:
    own: dict[str, object] = {}
    own["self"] = own
    return own


@pytest.mark.parametrize(
    "section",
    [
        pytest.param({"value": float("nan")}, id="nan"),
        pytest.param(Load(float("inf"), 1.0, 1.0, 0.5, 1, 2, 3, 4), id="infinite record"),
        pytest.param({"value": b"bytes"}, id="bytes"),
        pytest.param({(1, 2): 3}, id="key"),
        pytest.param(object(), id="object"),
        pytest.param(_endless(), id="holds itself"),
    ],
)
def test_section_that_is_no_json_costs_only_itself(section: object) -> None:
    """It is left out, and its source has failed; the others and the stream go on."""
    good = sample(1)
    bad = Sample(
        good.host,
        good.time_unix,
        good.uptime_seconds,
        good.interval_seconds,
        {"own": section, **good.sections},
        {"own": SourceState("ok", 0.25), **good.sources},
    )
    with streaming() as stream:
        stream.publish(bad)
        publish(stream)
        latest = json.loads(b"".join(stream.history(Resume())))["samples"][0]
        assert "own" not in latest
        assert latest["cpu"] == {"usage_percent": 1.0}
        own = latest["sources"].pop("own")
        assert (own["state"], own["took_seconds"]) == ("failed", 0.25)
        assert own["reason"].startswith("no JSON: ")
        assert set(latest["sources"]) == {"cpu", "pad"}
        assert stream.seq == 2
