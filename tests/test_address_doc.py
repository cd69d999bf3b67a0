"""The table of the page's parameters in docs/operations.md has every parameter and value of the page's sources."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
WEB = ROOT / "web/src"


def quoted(text: str) -> set[str]:
    """Return the texts in double quotes."""
    return set(re.findall(r'"([^"]+)"', text))


def test_every_parameter_of_the_page_is_documented() -> None:
    """With its values: key figures, views of their charts, columns and windows."""
    _, _, rest = (ROOT / "docs/operations.md").read_text().partition("### Wall screens and links")
    documented = set(re.findall(r"`(?:[a-z]+\.)?([\w -]+)`", rest.partition("\n### ")[0]))
    view = (WEB / "store/view.ts").read_text()
    parameters = set(re.findall(r'query\.get\("(\w+)"\)', view))
    assert {"kiosk", "focus", "window", "show", "sort", "filter", "theme"} <= parameters
    values = set(re.findall(r"\d+", re.findall(r"WINDOWS = \[(.*)\]", view)[0]))
    for path in WEB.glob("sections/*/*.ts*"):
        source = path.read_text()
        values |= set(re.findall(r'focus: "(\w+)"', source)) if path.name == "index.ts" else set()
        for names in re.findall(r"(?:FACETS|SORT_KEYS) = \[(.*)\]", source):
            values |= quoted(names) - {"sensors"}  # the only view of its chart
    assert len(values) > 25
    assert sorted((parameters | values) - documented) == []
