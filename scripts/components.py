"""List the components of SBOMs with their licences, as a table in Markdown: components.py SBOM..."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


class LicenceError(ValueError):
    """A component without a licence cannot be distributed."""


def licences(component: dict[str, Any]) -> str:
    """Return the licences of a component of CycloneDX 1.4 or newer. Raises LicenceError if there is none."""
    found = []
    for entry in component.get("licenses", []):
        licence = entry.get("license", {})
        text = entry.get("expression") or licence.get("id") or licence.get("name")
        if text and text not in found and not text.startswith("License :: "):
            found.append(text)
    classifiers = [
        entry["license"]["name"].rpartition(" :: ")[2]
        for entry in component.get("licenses", [])
        if entry.get("license", {}).get("name", "").startswith("License :: ")
    ]
    if not found and not classifiers:
        raise LicenceError(f"{component['name']} {component.get('version', '')} has no licence")
    return ", ".join(found or classifiers)


def rows(sboms: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the table, with a row for each component."""
    yield "| component | version | licence |"
    yield "|---|---|---|"
    found = {
        (component["name"].lower(), component.get("version", "")): component
        for sbom in sboms
        for component in sbom.get("components", [])
    }
    for _, component in sorted(found.items()):
        name = "/".join(filter(None, (component.get("group"), component["name"])))
        yield f"| {name} | {component.get('version', '')} | {licences(component)} |"


if __name__ == "__main__":
    try:
        for row in rows(json.loads(Path(name).read_text()) for name in sys.argv[1:]):
            print(row)
    except LicenceError as error:
        sys.exit(str(error))
