"""Swap, with expected values computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.meminfo import parse_meminfo
from telemetry_stream.metrics.sources.swap import Swap, SwapRates, SwapSource, parse_vmstat
from telemetry_stream.metrics.units import PAGE_BYTES
from tests.metrics.sources.test_meminfo import put
from tests.metrics.trees import Tree, assert_sane, odd, page_by_page


def test_swap_and_its_rates(tree: Tree) -> None:
    """Used = 400 - 300 = 25 %. 6 pages in and 3 out in 1.5 s are 4 and 2 pages per second."""
    source = SwapSource(tree.files)
    put(tree)
    tree.put("proc/vmstat", "nr_free_pages 9\npswpin 100\npswpout 50\n")
    first = source.collect(tree.tick())
    tree.put("proc/vmstat", "nr_free_pages 9\npswpin 106\npswpout 53\n")
    second = source.collect(tree.tick(1.5))
    assert first == Swap(400 * 1024, 300 * 1024, 100 * 1024, 25.0, None, None)
    assert second == Swap(
        400 * 1024, 300 * 1024, 100 * 1024, 25.0, 4.0 * PAGE_BYTES, 2.0 * PAGE_BYTES
    )


def test_a_vmstat_of_several_pages(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels with more counters have more than a page."""
    page_by_page(monkeypatch)
    source = SwapSource(tree.files)
    put(tree)
    others = "".join(f"other_{number} 1\n" for number in range(500))
    tree.put("proc/vmstat", f"{others}pswpin 100\npswpout 50\n")
    source.collect(tree.tick())
    tree.put("proc/vmstat", f"{others}pswpin 106\npswpout 50\n")
    found = source.collect(tree.tick())
    assert found is not None
    assert found.in_bytes_per_second == 6.0 * PAGE_BYTES


def test_a_host_without_swap_space(tree: Tree) -> None:
    """The percentage is unknown. Nothing can have been paged, so the rates are 0 in the second sample."""
    source = SwapSource(tree.files)
    put(tree, SwapTotal="0", SwapFree="0")
    assert source.collect(tree.tick()) == Swap(0, 0, 0, None, None, None)
    assert source.collect(tree.tick()) == Swap(0, 0, 0, None, 0.0, 0.0)


def test_swapon_makes_no_spike(tree: Tree) -> None:
    """The counters are since boot. The rates are null in the first sample with swap space."""
    source = SwapSource(tree.files)
    tree.put("proc/vmstat", "pswpin 100000\npswpout 50000\n")
    put(tree, SwapTotal="0", SwapFree="0")
    source.collect(tree.tick())
    put(tree)
    on = source.collect(tree.tick())
    again = source.collect(tree.tick())
    assert on is not None
    assert again is not None
    assert (on.in_bytes_per_second, on.out_bytes_per_second) == (None, None)
    assert (again.in_bytes_per_second, again.out_bytes_per_second) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("total", "free", "expected"),
    [
        ("0", "18446744073709346016", (0, 0, 0, None)),
        ("1000", "18446744073709346016", (1000, None, None, None)),
        ("1000", "1001", (1000, None, None, None)),
        ("18446744073709346016", "500", (None, 500, None, None)),
        ("1000", "1000", (1000, 1000, 0, 0.0)),
    ],
)
def test_swap_that_cannot_be_is_unknown(
    total: str, free: str, expected: tuple[float | None, ...]
) -> None:
    """Unknown is not 0 used."""
    content = f"MemTotal: 9 kB\nSwapTotal: {total} kB\nSwapFree:{free} kB\n"
    record = SwapRates().record(parse_meminfo(content.encode()), {}, 1.0)
    assert record is not None
    kib = [
        None if each is None else each // 1024
        for each in (record.total_bytes, record.free_bytes, record.used_bytes)
    ]
    assert (*kib, record.used_percent) == expected


def test_a_kernel_without_swap_has_no_section(tree: Tree) -> None:
    """There is no line SwapTotal."""
    put(tree, SwapTotal=None, SwapFree=None)
    assert SwapSource(tree.files).collect(tree.tick()) is None


@given(odd(b"nr_free_pages 9\npswpin 106\npswpout 53\n"))
def test_any_vmstat_is_parsed_or_a_parse_error(content: bytes) -> None:
    """No count is negative or impossible."""
    try:
        assert_sane(parse_vmstat(content))
    except ParseError:
        pass
