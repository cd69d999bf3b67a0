"""A rule: the table of one rule in a file, checked and compiled.

docs/alerts.md describes its keys.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from ..metrics.definitions import Group
from ..toml_file import InvalidKeyError
from . import hosts
from .duration import seconds_of
from .expression import Compiler
from .logic import Value
from .names import ON_DEMAND, ExpressionError, find_list, shown
from .windows import Window
from .wording import Wording, compile_wording

T = TypeVar("T")

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # from the highest

STEPS_OF_WINDOW = 60  # as long as so many parts of a condition
MAX_FIELDS = 8  # of a condition that a message names
MAX_LABELS = 8
MAX_LABEL_CHARACTERS = 128
MAX_HOLD_SECONDS = 86_400.0

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
NAME_RULE = "1 to 64 letters, digits and _, not beginning with a digit"
RULE_KEYS = (
    "name", "each", "where", *SEVERITIES, "margin", "for", "resolve_after", "text", "labels",
)  # fmt: skip
# Labels that every alert has. Prometheus reserves names that begin with __.
RESERVED_LABELS = frozenset({"alertname", "alertstate", "severity", "instance", "job"})


@dataclass(frozen=True, slots=True)
class Level:
    """When an alert has this severity: it begins while ``fires`` is true, and stays while ``holds`` is not false.

    ``section`` and ``fields`` are what the condition is about, as in the messages.
    """

    severity: Severity
    section: str | None
    fields: tuple[str, ...]
    fires: Value
    holds: Value


@dataclass(frozen=True, slots=True)
class Table:
    """The list of a rule with ``each``: its path and section, how to read it, and what tells its rows apart."""

    path: str
    section: str
    rows: Value
    key: Callable[[Any], Hashable]
    identities: Mapping[str, str]  # the fields by the names of their labels


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One checked rule. ``source`` is what the file has, by which two rules are compared.

    ``windows`` have a state, so a rule belongs to one engine.
    """

    name: str
    source: Mapping[str, Any]
    table: Table | None
    where: Value | None
    levels: tuple[Level, ...]  # from the highest severity
    windows: tuple[Window, ...]
    for_seconds: float
    resolve_seconds: float
    wording: Wording
    labels: Mapping[str, str]
    sections: frozenset[str]
    steps: int  # of its conditions, for one row
    may_fire: Value  # truthy if any level fires: most rows need only this call
    is_plain: bool  # without a list and without windows, so that may_fire decides alone

    def has_no_list(self, sections: Container[str]) -> bool:
        """Whether there is nothing to evaluate: the section of its list is missing, and it has no windows to clear.

        Most of the default rules are about hardware that a host does not have.
        """
        table = self.table
        return table is not None and not self.windows and table.section not in sections

    @property
    def on_demand(self) -> frozenset[str]:
        """The on-demand sections that the rule needs."""
        return self.sections & ON_DEMAND

    @property
    def is_of_hosts(self) -> bool:
        """Whether a front end evaluates it, for the hosts that it watches."""
        return hosts.NAME in self.sections


def checked_rule(source: Mapping[str, Any], taken: Iterable[str]) -> Rule:
    """Check one rule. Raises InvalidKeyError."""
    for key in source:
        if key not in RULE_KEYS:
            raise InvalidKeyError(key, f"unknown key (known: {', '.join(RULE_KEYS)})")
    name = _text(source, "name", "")
    if not NAME.fullmatch(name):
        raise InvalidKeyError("name", f"{shown(name)} must be {NAME_RULE}")
    if name in taken:
        raise InvalidKeyError("name", f"{shown(name)} is the name of a rule above")
    group, table = _table(source)
    compiler = Compiler(group)
    margin = source.get("margin", 0)
    if type(margin) not in (int, float) or not 0 <= margin < 1e300:
        raise InvalidKeyError("margin", f"{shown(margin)} must be a number from 0 on")
    levels = tuple(
        _level(severity, source, compiler, table) for severity in SEVERITIES if severity in source
    )
    if not levels:
        raise InvalidKeyError("name", f"{name} has no condition (use {', '.join(SEVERITIES)})")
    where = (
        _compiled("where", compiler.condition, _text(source, "where"))
        if "where" in source
        else None
    )
    steps = compiler.steps + STEPS_OF_WINDOW * len(compiler.windows)
    wording = _compiled(
        "text",
        lambda text: compile_wording(text, compiler),
        _text(source, "text", _default_text(name, table)),
    )
    sections = frozenset(compiler.sections | ({table.section} if table else set()))
    if hosts.NAME in sections and (len(sections) > 1 or table is None):
        raise InvalidKeyError(
            "name", f"{name} uses hosts, so it requires each = 'hosts' and can use no other section"
        )
    return Rule(
        name=name,
        source=source,
        table=table,
        where=where,
        levels=levels,
        windows=tuple(compiler.windows.values()),
        for_seconds=_seconds(source, "for", "10s"),
        resolve_seconds=_seconds(source, "resolve_after", "30s"),
        wording=wording,
        labels=_labels(source, table),
        sections=sections,
        steps=steps,
        may_fire=_either([level.fires for level in levels]),
        is_plain=table is None and not compiler.windows,
    )


def _level(
    severity: Severity, source: Mapping[str, Any], compiler: Compiler, table: Table | None
) -> Level:
    fires = _compiled(severity, compiler.condition, _text(source, severity))
    fields = tuple(compiler.fields[:MAX_FIELDS])
    section = fields[0].rpartition(".")[0] if fields else None
    steps = compiler.steps
    holds = compiler.condition(_text(source, severity), float(source.get("margin", 0)))
    compiler.steps = steps  # only alerts need it
    return Level(severity, table.path if table else section, fields, fires, holds)


def _either(values: Sequence[Value]) -> Value:
    """Return the function that is truthy if any of the values is true. It takes half of the time of ``or``."""
    if len(values) == 1:
        return values[0]
    first, others = values[0], _either(values[1:])
    return lambda rows: first(rows) or others(rows)


def _default_text(name: str, table: Table | None) -> str:
    text = name.replace("_", " ")
    return text if table is None else f"{text}: {{{next(iter(table.identities.values()))}}}"


def _compiled(key: str, compile_text: Callable[[str], T], text: str) -> T:
    try:
        return compile_text(text)
    except ExpressionError as error:
        raise InvalidKeyError(key, str(error)) from None


def _text(source: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = source.get(key, default)
    if not isinstance(value, str):
        raise InvalidKeyError(key, f"{shown(value)} must be a text")
    return value


def _seconds(source: Mapping[str, Any], key: str, default: str) -> float:
    return _compiled(
        key,
        lambda text: seconds_of(text, 0.0, MAX_HOLD_SECONDS),
        _text(source, key, default),
    )


def _table(source: Mapping[str, Any]) -> tuple[Group | None, Table | None]:
    """Return the list of ``each``: its declaration, and how to read it."""
    if "each" not in source:
        return None, None
    path = _text(source, "each").split(".")
    group, rows = _compiled("each", lambda _: find_list(path, ()), "")
    identities = {
        field.label or field.name: field.name for field in group.fields if field.is_identity
    }
    if not identities:
        raise InvalidKeyError(
            "each", f"{shown('.'.join(path))} has no field that tells its rows apart"
        )
    return group, Table(
        source["each"], path[0], rows, operator.attrgetter(*identities.values()), identities
    )


def _labels(source: Mapping[str, Any], table: Table | None) -> dict[str, str]:
    labels = source.get("labels", {})
    if not isinstance(labels, dict) or len(labels) > MAX_LABELS:
        raise InvalidKeyError("labels", f"must be a table of at most {MAX_LABELS} texts")
    taken = RESERVED_LABELS.union(table.identities if table else ())
    for name, value in labels.items():
        if not NAME.fullmatch(name) or name.startswith("__") or name in taken:
            others = ", ".join(sorted(taken))
            raise InvalidKeyError(
                "labels", f"the name {shown(name)} must be {NAME_RULE}, and none of {others}"
            )
        if not isinstance(value, str) or len(value) > MAX_LABEL_CHARACTERS:
            raise InvalidKeyError(
                "labels", f"{name} must be a text of at most {MAX_LABEL_CHARACTERS} characters"
            )
    return dict(labels)
