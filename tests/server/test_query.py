"""Query parameters: tables of correct and wrong ones."""

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
    """Parse a query with the parameters of a route."""
    return Query(text, KNOWN)


def test_absent_parameters_have_their_defaults() -> None:
    """An empty query is correct."""
    nothing = query("")
    assert "n" not in nothing
    assert nothing.whole_number("n", 7, 1, 9) == 7
    assert nothing.maybe_seconds("seconds") is None
    assert nothing.maybe_names("names", ("cpu",)) is None
    assert nothing.maybe_text("text") is None


def test_parameters_are_decoded() -> None:
    """Percent, plus and UTF-8, as browsers encode them."""
    assert query("text=a%20b+c%26%C3%A9").maybe_text("text") == "a b c&é"
    assert query("text=").maybe_text("text") == ""
    assert "text" in query("text=")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=1", "Unknown parameter 'x' (allowed: n, seconds, names, text)"),
        ("N=1", "Unknown parameter 'N'"),
        ("n=1&n=1", "Parameter n is given more than once"),
        ("n=1&%6e=2", "Parameter n is given more than once"),
        ("n", "name=value"),
        ("n=1&&text=2", "name=value"),
        ("&", "name=value"),
        ("text=%ff", "name=value"),
        ("y" * 100 + "=1", "'" + "y" * 40 + "…'"),
    ],
)
def test_unknown_repeated_and_malformed_parameters_are_refused(text: str, message: str) -> None:
    """The message states what is wrong and what is allowed."""
    with pytest.raises(HTTPError) as refused:
        query(text)
    assert refused.value.status == "400 Bad Request"
    assert message in refused.value.message


def test_a_route_without_parameters_refuses_all() -> None:
    """The message states that none is allowed."""
    with pytest.raises(HTTPError) as refused:
        Query("a=1", ())
    assert "(allowed: none)" in refused.value.message


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("007", 7), ("10", 10)])
def test_whole_numbers_within_the_range_are_accepted(text: str, value: int) -> None:
    """The range includes its limits."""
    assert query(f"n={text}").whole_number("n", 5, 1, 10) == value


@pytest.mark.parametrize(
    "text",
    ["", "0", "11", "-1", "%2B1", "1.0", "1e1", "+1", "1_0", "0x1", "%D9%A1", "9" * 30, "one"],
)
def test_other_numbers_are_refused(text: str) -> None:
    """Signs, points, digits of other scripts and numbers out of range."""
    with pytest.raises(HTTPError) as refused:
        query(f"n={text}").whole_number("n", 5, 1, 10)
    assert "must be a whole number from 1 to 10" in refused.value.message


def test_the_largest_seq_is_accepted() -> None:
    """It has nineteen digits."""
    assert query(f"n={MAX_SEQ}").whole_number("n", 0, 0, MAX_SEQ) == MAX_SEQ
    with pytest.raises(HTTPError):
        query(f"n={MAX_SEQ + 1}").whole_number("n", 0, 0, MAX_SEQ)


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0.0), ("300", 300.0), ("0.5", 0.5), ("86400", 86400.0), ("1e2", 100)]
)
def test_seconds_are_accepted(text: str, value: float) -> None:
    """From 0 to a day, with fractions."""
    assert query(f"seconds={text}").maybe_seconds("seconds") == value


@pytest.mark.parametrize("text", ["", "-1", "86400.1", "nan", "inf", "-inf", "5s", "1e400"])
def test_other_seconds_are_refused(text: str) -> None:
    """float() would accept some of these."""
    with pytest.raises(HTTPError) as refused:
        query(f"seconds={text}").maybe_seconds("seconds")
    assert "must be a number of seconds from 0 to 86400" in refused.value.message


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cpu", ("cpu",)),
        ("memory,cpu", ("cpu", "memory")),
        ("cpu%2Cmemory", ("cpu", "memory")),
        ("cpu,cpu", ("cpu",)),
    ],
)
def test_names_are_sorted_and_unique(text: str, names: tuple[str, ...]) -> None:
    """So the same selection in another order is equal, and shares its frames."""
    assert query(f"names={text}").maybe_names("names", ("memory", "cpu")) == names


@pytest.mark.parametrize("text", ["", "CPU", "cpu,", ",", "cpu,disk", "cpu%20", "cpu;memory"])
def test_unknown_names_are_refused(text: str) -> None:
    """The message has the wrong name and the known ones."""
    with pytest.raises(HTTPError) as refused:
        query(f"names={text}").maybe_names("names", ("memory", "cpu"))
    assert "names: unknown section " in refused.value.message
    assert "(known: memory, cpu)" in refused.value.message


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60))
def test_any_query_is_accepted_or_refused(text: str) -> None:
    """No text of a request target raises another exception."""
    asks: tuple[Callable[[Query], object], ...] = (
        lambda q: q.whole_number("n", 1, 1, 9),
        lambda q: q.maybe_seconds("n"),
        lambda q: q.maybe_names("n", ("cpu",)),
    )
    for given_query in (text, f"n={text}"):
        for ask in asks:
            with suppress(HTTPError):
                ask(query(given_query))
