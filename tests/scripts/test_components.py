"""The list of components with their licences."""

from __future__ import annotations

from typing import Any

import pytest
from components import LicenceError, licences, rows


def component(name: str, *licence: dict[str, Any], **fields: str) -> dict[str, Any]:
    """Return a component of an SBOM."""
    return {"name": name, "version": "1", "licenses": list(licence), **fields}


MIT = {"license": {"id": "MIT"}}


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([MIT], "MIT"),
        ([{"expression": "Apache-2.0 OR BSD-2-Clause"}], "Apache-2.0 OR BSD-2-Clause"),
        ([MIT, {"license": {"name": "License :: OSI Approved :: MIT License"}}], "MIT"),
        ([{"license": {"name": "License :: OSI Approved :: BSD License"}}], "BSD License"),
        ([MIT, MIT], "MIT"),
        ([{"license": {"name": "EPL-2.0"}}, MIT], "EPL-2.0, MIT"),
    ],
)
def test_licences_of_a_component(entries: list[dict[str, Any]], text: str) -> None:
    """Identifiers and expressions of SPDX come before classifiers, and each is listed once."""
    assert licences(component("a", *entries)) == text


def test_component_without_licence_is_an_error() -> None:
    """With its name and version."""
    with pytest.raises(LicenceError, match=r"^a 1 has no licence$"):
        licences(component("a"))


def test_components_are_listed_once_by_name() -> None:
    """Those of all SBOMs together; a package of npm has its group in front."""
    program = {"components": [component("wsproto", MIT), component("h11", MIT)]}
    page = {"components": [component("react", MIT, group="@x"), component("h11", MIT)]}
    assert list(rows([program, page])) == [
        "| component | version | licence |",
        "|---|---|---|",
        "| h11 | 1 | MIT |",
        "| @x/react | 1 | MIT |",
        "| wsproto | 1 | MIT |",
    ]
