"""The text of metric families, in both formats."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from telemetry_stream.prometheus.exposition import (
    OPENMETRICS,
    PLAIN,
    Column,
    Family,
    Fields,
    content_type_for,
    labels,
    render,
    single,
    table,
)

FAMILIES = [
    Family("x_seconds_total", "counter", "Time", [(labels({"cpu": "0"}), 1.5)]),
    single("x_bytes", "gauge", 'A "size" \\ of\nx', 1 << 60),
    single("x_field", "untyped", "Field", True),
    single("x_none", "gauge", "Unknown", None),
]


def test_the_text_format() -> None:
    """A help text is escaped. A family without a series is left out. Whole numbers stay whole."""
    assert render(FAMILIES, PLAIN).decode() == (
        "# HELP x_seconds_total Time\n# TYPE x_seconds_total counter\n"
        'x_seconds_total{cpu="0"} 1.5\n'
        '# HELP x_bytes A "size" \\\\ of\\nx\n# TYPE x_bytes gauge\nx_bytes 1152921504606846976\n'
        "# HELP x_field Field\n# TYPE x_field untyped\nx_field 1\n"
    )


def test_openmetrics() -> None:
    """The family of a counter has no _total, untyped is unknown, units are named, and the text has an end."""
    assert render(FAMILIES, OPENMETRICS).decode() == (
        "# HELP x_seconds Time\n# TYPE x_seconds counter\n# UNIT x_seconds seconds\n"
        'x_seconds_total{cpu="0"} 1.5\n'
        '# HELP x_bytes A \\"size\\" \\\\ of\\nx\n# TYPE x_bytes gauge\n# UNIT x_bytes bytes\n'
        "x_bytes 1152921504606846976\n"
        "# HELP x_field Field\n# TYPE x_field unknown\nx_field 1\n# EOF\n"
    )


@pytest.mark.parametrize(("content_type", "kind"), [(PLAIN, "untyped"), (OPENMETRICS, "unknown")])
def test_fields_of_a_file(content_type: str, kind: str) -> None:
    """Each is a family. A second page has the names and numbers of its own, also if there are more or fewer."""
    for names in (["a", "b"], ["b"], ["a", "b", "c"]):
        rows = [(name, len(names) * 10**18 - place) for place, name in enumerate(names)]
        text = render([Fields("x_", "untyped", "Field", rows)], content_type).decode()
        assert text.removesuffix("# EOF\n") == "".join(
            f"# HELP x_{name} Field {name}.\n# TYPE x_{name} {kind}\nx_{name} {number}\n"
            for name, number in rows
        )


def test_the_parsers_of_others_read_both() -> None:
    """With the same values and help texts."""
    for text, parse in (
        (render(FAMILIES, PLAIN), plain_text),
        (render(FAMILIES, OPENMETRICS), openmetrics),
    ):
        found = {family.name: family for family in parse(text.decode())}
        assert list(found) == ["x_seconds", "x_bytes", "x_field"]
        assert found["x_bytes"].documentation == 'A "size" \\ of\nx'
        assert [(one.labels, one.value) for one in found["x_seconds"].samples] == [
            ({"cpu": "0"}, 1.5)
        ]


@pytest.mark.parametrize(
    "value", ["plain", 'a"b\\c\nd', "größe", "", "with space", "\\n", "ends in \\"]
)
def test_label_values_are_escaped(value: str) -> None:
    """A parser gets the original value, of any characters."""
    text = render([Family("x", "gauge", "X", [(labels({"of": value}), 1)])], PLAIN).decode()
    (family,) = plain_text(text)
    assert family.samples[0].labels == {"of": value}


def test_surrogates_in_labels_are_replaced() -> None:
    """They stand for bytes that are not UTF-8."""
    assert labels({"of": "bad\udcff"}) == '{of="bad?"}'
    assert labels({}) == ""


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), None])
def test_numbers_that_no_float_can_hold_have_no_series(value: float | None) -> None:
    """The rest of the page is not affected."""
    family = Family("x", "gauge", "X", [("", value), (labels({"of": "y"}), 1.5e308)])
    assert render([family], PLAIN).endswith(b'gauge\nx{of="y"} 1.5e+308\n')


def test_a_table_is_a_family_for_each_column() -> None:
    """A factor converts to the base unit. Rows may be shorter than the table."""
    columns = (Column("a", "gauge", "A"), None, Column("c_seconds", "gauge", "C", 1e-9))
    found = list(table(columns, [('{d="x"}', (1, 2, 3)), ('{d="y"}', (4,))]))
    assert [(family.name, list(family.rows)) for family in found] == [
        ("a", [('{d="x"}', 1), ('{d="y"}', 4)]),
        ("c_seconds", [('{d="x"}', 3e-9)]),
    ]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html", PLAIN),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", PLAIN),
        ("application/openmetrics-text;q=0", PLAIN),
        ("application/openmetrics-text;q=0.0, text/plain", PLAIN),
        (
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
            ),
            OPENMETRICS,
        ),
    ],
)
def test_the_format_is_the_one_that_a_client_accepts(accept: str, expected: str) -> None:
    """The long one is that of Prometheus."""
    assert content_type_for(accept) == expected
