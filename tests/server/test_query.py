"""Query parameters: tables of good and bad ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.net.answer import HTTPError
from telemetry_stream.server.query import MAX_SEQ, Query

KNOWN = ("n", "seconds", "names", "text")


def query(text: str) -> Query:
    """A route's parameters."""
    return Query(text, KNOWN)


def test_absent_parameters_have_their_defaults() -> None:
    """An empty query is a good one."""
    nothing = query("")
    assert "n" not in nothing
    assert nothing.whole_number("n", 7, 1, 9) == 7
    assert nothing.maybe_seconds("seconds") is None
    assert nothing.maybe_names("names", ("cpu",)) is None
    assert nothing.text("text") is None


def test_parameters_are_decoded() -> None:
    """Percent, plus and UTF-8, as browsers encode them."""
    assert query("text=a%20b+c%26%C3%A9").text("text") == "a b c&é"
    assert query("text=").text("text") == ""
    assert "text" in query("text=")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x=1", "no parameter 'x' here; there are: n, seconds, names, text"),
        ("N=1", "no parameter 'N'"),
        ("n=1&n=1", "parameter n is given twice"),
        ("n=1&%6e=2", "parameter n is given twice"),
        ("n", "name=value"),
        ("n=1&&text=2", "name=value"),
        ("&", "name=value"),
        ("text=%ff", "name=value"),
        ("y" * 100 + "=1", "'" + "y" * 40 + "…'"),
    ],
)
def test_unknown_doubled_and_broken_ones(text: str, says: str) -> None:
    """Each says what is wrong and what would be right."""
    with pytest.raises(HTTPError) as refused:
        query(text)
    assert refused.value.status == "400 Bad Request"
    assert says in refused.value.message


def test_nothing_is_known_here() -> None:
    """A route without parameters says so."""
    with pytest.raises(HTTPError) as refused:
        Query("a=1", ())
    assert "there are: none" in refused.value.message


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("007", 7), ("10", 10)])
def test_whole_numbers(text: str, value: int) -> None:
    """Within the range, its borders included."""
    assert query(f"n={text}").whole_number("n", 5, 1, 10) == value


@pytest.mark.parametrize(
    "text",
    ["", "0", "11", "-1", "%2B1", "1.0", "1e1", "+1", "1_0", "0x1", "%D9%A1", "9" * 30, "one"],
)
def test_no_whole_numbers(text: str) -> None:
    """Signs, points, other scripts' digits and what is out of range."""
    with pytest.raises(HTTPError) as refused:
        query(f"n={text}").whole_number("n", 5, 1, 10)
    assert "must be a whole number from 1 to 10" in refused.value.message


def test_largest_seq() -> None:
    """Has nineteen digits, and is taken."""
    assert query(f"n={MAX_SEQ}").whole_number("n", 0, 0, MAX_SEQ) == MAX_SEQ
    with pytest.raises(HTTPError):
        query(f"n={MAX_SEQ + 1}").whole_number("n", 0, 0, MAX_SEQ)


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0.0), ("300", 300.0), ("0.5", 0.5), ("86400", 86400.0), ("1e2", 100)]
)
def test_seconds(text: str, value: float) -> None:
    """From none to a day, also parts of one."""
    assert query(f"seconds={text}").maybe_seconds("seconds") == value


@pytest.mark.parametrize("text", ["", "-1", "86400.1", "nan", "inf", "-inf", "5s", "1e400"])
def test_no_seconds(text: str) -> None:
    """What float() takes is not all that makes sense."""
    with pytest.raises(HTTPError) as refused:
        query(f"seconds={text}").maybe_seconds("seconds")
    assert "must be seconds from 0 to 86400" in refused.value.message


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cpu", ("cpu",)),
        ("memory,cpu", ("cpu", "memory")),
        ("cpu%2Cmemory", ("cpu", "memory")),
        ("cpu,cpu", ("cpu",)),
    ],
)
def test_names(text: str, names: tuple[str, ...]) -> None:
    """Equal choices become equal, in whatever order: they share their frames."""
    assert query(f"names={text}").maybe_names("names", ("memory", "cpu")) == names


@pytest.mark.parametrize("text", ["", "CPU", "cpu,", ",", "cpu,disk", "cpu%20", "cpu;memory"])
def test_no_names(text: str) -> None:
    """Each wrong one is named, with those that there are."""
    with pytest.raises(HTTPError) as refused:
        query(f"names={text}").maybe_names("names", ("memory", "cpu"))
    assert "names: no section " in refused.value.message
    assert "there are: memory, cpu" in refused.value.message


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60))
def test_any_query_is_taken_or_refused(text: str) -> None:
    """Nothing else escapes, whatever can stand in a request target."""
    asks: tuple[Callable[[Query], object], ...] = (
        lambda q: q.whole_number("n", 1, 1, 9),
        lambda q: q.maybe_seconds("n"),
        lambda q: q.maybe_names("n", ("cpu",)),
    )
    for given_query in (text, f"n={text}"):
        for ask in asks:
            with suppress(HTTPError):
                ask(query(given_query))
