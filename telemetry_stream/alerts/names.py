"""The names in rules: fields and lists of a sample, as the sources declare them (metrics/definitions.py).

A name is a path such as ``memory.used_percent``. Inside a list, for example in a rule with ``each = "filesystems"``,
the fields of a row have their own names (``used_percent``), and come before sections.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics.definitions import SECTION_GROUPS, UNIT_IN_NAME, Definition, Group
from ..metrics.section import Section
from . import hosts
from .logic import Rows, Value

MAX_SHOWN_NAMES = 24
MAX_SHOWN_CHARACTERS = 60

SECTIONS: Mapping[str, Group] = {
    group.path.removesuffix("[]"): group for group in (*SECTION_GROUPS, hosts.GROUP)
}
ON_DEMAND = frozenset(
    name
    for name, group in SECTIONS.items()
    if isinstance(group.part, Section) and group.part.is_on_demand
)
LISTS = tuple(
    sorted(
        {
            group.path.removesuffix("[]")
            for section in SECTIONS.values()
            for group in (section, *(field.group for field in section.fields if field.group))
            if group.is_list and (group is section or not section.is_list)
        }
    )
)


class ExpressionError(ValueError):
    """An expression of a rule is not valid: one sentence with what is allowed."""


def shown(value: object) -> str:
    """Return a value as it appears in an error: on one line, and not too long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[: MAX_SHOWN_CHARACTERS - 3]}..."


def find_field(path: Sequence[str], groups: Sequence[Group]) -> tuple[Definition, Value]:
    """Return the declaration of a field, and the function that reads it. Raises ExpressionError.

    ``groups`` are those of the lists that enclose the expression, from the outside to the inside.
    """
    found, read = _find(path, groups)
    if isinstance(found, Group):
        kind = "a list (use any, all, count or each)" if found.is_list else "a group of fields"
        raise ExpressionError(f"{'.'.join(path)} is {kind}; its fields: {_fields_of(found)}")
    return found, read


def find_list(path: Sequence[str], groups: Sequence[Group]) -> tuple[Group, Value]:
    """Return the declaration of a list, and the function that reads it. Raises ExpressionError."""
    found, read = _find(path, groups)
    if not isinstance(found, Group) or not found.is_list:
        raise ExpressionError(f"{'.'.join(path)} is not a list (lists: {', '.join(LISTS)})")
    return found, read


def full_name(path: Sequence[str], groups: Sequence[Group]) -> str:
    """Return the name of a field from its section on: ``filesystems.used_percent`` for ``used_percent`` of a row."""
    for group in reversed(groups):
        if any(field.name == path[0] for field in group.fields):
            return ".".join((group.path.replace("[]", ""), *path))
    return ".".join(path)


def row_name(level: int) -> str:
    """Return the attribute of Rows that has the row of the list at this level; 1 is the outermost one."""
    return f"row{level}"


def unit_of(field: Definition) -> str:
    """Return the unit of a field as it is in names (``bytes``), or in words (``tasks``); empty for a text."""
    match = UNIT_IN_NAME.search(field.name)
    return match[2] if match and field.type == "number" else field.unit


def _find(path: Sequence[str], groups: Sequence[Group]) -> tuple[Definition | Group, Value]:
    for level in range(len(groups), 0, -1):
        row = groups[level - 1]
        if any(field.name == path[0] for field in row.fields):
            return _follow(row, path, 0), _row_reader(level, path)
    section = SECTIONS.get(path[0])
    if section is None:
        raise ExpressionError(_unknown(".".join(path), groups))
    found = section if len(path) == 1 else _follow(_single(section, path[:1]), path, 1)
    return found, _section_reader(path)


def _follow(group: Group, path: Sequence[str], begin: int) -> Definition | Group:
    """Return what the path names, from its part ``begin`` on, in a record of ``group``."""
    for i in range(begin, len(path)):
        field = next((field for field in group.fields if field.name == path[i]), None)
        if field is None:
            raise ExpressionError(
                f"{'.'.join(path[:i]) or group.path} has no field {shown(path[i])}; "
                f"its fields: {_fields_of(group)}"
            )
        if field.group is None:
            if i + 1 < len(path):
                raise ExpressionError(f"{'.'.join(path[: i + 1])} is a {field.type} without fields")
            return field
        group = field.group if i + 1 == len(path) else _single(field.group, path[: i + 1])
    return group


def _single(group: Group, path: Sequence[str]) -> Group:
    """Return the group, or raise ExpressionError if it is a list, whose rows are not selected by a name."""
    if group.is_list:
        raise ExpressionError(
            f"{'.'.join(path)} is a list (use any, all, count or each); its fields: {_fields_of(group)}"
        )
    return group


def _section_reader(path: Sequence[str]) -> Value:
    """Return the function that reads a value below a section. It is unknown if a part of the path is missing."""
    name = path[0]
    if len(path) == 1:
        return lambda rows: rows.sections.get(name)
    read = operator.attrgetter(".".join(path[1:]))

    def value(rows: Rows) -> Any:
        try:
            return read(rows.sections[name])
        except (KeyError, AttributeError):  # of None
            return None

    return value


def _row_reader(level: int, path: Sequence[str]) -> Value:
    read = operator.attrgetter(".".join((row_name(level), *path)))
    if len(path) == 1:
        return read

    def value(rows: Rows) -> Any:
        try:
            return read(rows)
        except AttributeError:  # of None
            return None

    return value


def _fields_of(group: Group) -> str:
    names = [field.name for field in group.fields]
    more = ", ..." if len(names) > MAX_SHOWN_NAMES else ""
    return ", ".join(names[:MAX_SHOWN_NAMES]) + more


def _unknown(name: str, groups: Sequence[Group]) -> str:
    here = f"fields of the list: {_fields_of(groups[-1])}; " if groups else ""
    return f"{shown(name)} is unknown ({here}sections: {', '.join(SECTIONS)})"
