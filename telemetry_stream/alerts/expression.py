"""The language of conditions: a text such as ``memory.used_percent > 90`` becomes a function of a sample.

Strategy. The syntax is that of Python's expressions, so ``ast`` parses it (syntax.py). Nothing is executed as Python: a
node of the tree that has a method below becomes a closure (logic.py), and any other one is an error. Names and types
are checked against the declarations of the sources (names.py). So a mistake is found when the file is read, not when a
disk is full.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from ..metrics.definitions import Group, Type
from . import logic
from .duration import seconds_of
from .logic import Value
from .names import (
    ExpressionError,
    find_field,
    find_list,
    full_name,
    row_name,
    shown,
    unit_of,
)
from .syntax import (
    ALLOWED,
    MAX_DEPTH,
    call_of,
    not_allowed,
    parse,
    path_of,
    source_of,
    too_deep,
    written,
    wrong_arguments,
)
from .windows import Kind, Window

MAX_WINDOW_SECONDS = 86_400.0

ORDERS: Mapping[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
}
EQUALITIES: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
CONSTANTS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: its type, its value for a sample, and its unit if it is a single field."""

    type: Type
    value: Value
    unit: str = ""


class Compiler:
    """Compiles the expressions of one rule. They share ``windows``, and name these ``sections``.

    ``fields`` are the full names of the fields whose values the last condition compares, in its order.
    """

    def __init__(self, row: Group | None = None) -> None:
        """``row`` is the declaration of the rule's list: its fields have their own names."""
        self._groups = [] if row is None else [row]
        self._depth = 0
        self.steps = 0  # of all expressions: the parts that they have
        self._margin = 0.0  # that relaxes a comparison with >; negative inside ``not``
        self._is_nested = False  # inside any, all, count, rate or average
        self.windows: dict[str, Window] = {}
        self.sections: set[str] = set()
        self.fields: list[str] = []

    def condition(self, text: str, margin: float = 0.0) -> Value:
        """Compile a condition, in which each <, <=, > and >= is relaxed by ``margin``. Raises ExpressionError."""
        self.fields = []
        with self._relaxed(margin):
            found = self.expression(text)
        if found.type != "true or false":
            raise ExpressionError(
                f"{shown(text)} is a {found.type}; a condition compares values, such as 'load.avg1 > 4'"
            )
        return found.value

    def expression(self, text: str) -> Expression:
        """Compile an expression of any type. Raises ExpressionError."""
        return self._compile(parse(text))

    def _compile(self, node: ast.expr) -> Expression:
        compile_node = self._METHODS.get(type(node))
        if compile_node is None:
            raise not_allowed(node)
        if self._depth == MAX_DEPTH:
            raise too_deep()
        self._depth += 1
        self.steps += 1
        try:
            return compile_node(self, node)
        finally:
            self._depth -= 1

    def _constant(self, node: Any) -> Expression:
        value = node.value
        if isinstance(value, str):
            return Expression("text", logic.constant(value))
        if isinstance(value, bool):
            return Expression("true or false", logic.constant(value))
        if not isinstance(value, int | float):
            raise not_allowed(node)
        if not abs(value) < logic.MAX_NUMBER:
            raise ExpressionError(f"has a number that is not below {logic.MAX_NUMBER:g}")
        return Expression("number", logic.constant(value))

    def _field(self, node: Any) -> Expression:
        path = path_of(node)
        if len(path) == 1 and path[0] in CONSTANTS:
            return Expression("true or false", logic.constant(CONSTANTS[path[0]]))
        field, read = find_field(path, self._groups)
        name = self._noted(path)
        if name not in self.fields:
            self.fields.append(name)
        return Expression(field.type, read, unit_of(field))

    def _logic(self, node: Any) -> Expression:
        is_and = isinstance(node.op, ast.And)
        parts = [self._flag(part, "and" if is_and else "or") for part in node.values]
        return Expression("true or false", (logic.every if is_and else logic.some)(parts))

    def _unary(self, node: Any) -> Expression:
        if isinstance(node.op, ast.Not):
            with self._relaxed(-self._margin):
                return Expression("true or false", logic.negated(self._flag(node.operand, "not")))
        if isinstance(node.op, ast.USub):
            operand = self._number(node.operand, "-")
            return Expression("number", logic.calculated(operator.sub, logic.constant(0), operand))
        raise not_allowed(node)

    def _arithmetic(self, node: Any) -> Expression:
        operation = ARITHMETIC.get(type(node.op))
        if operation is None:
            raise not_allowed(node)
        left, right = (self._number(side, "+ - * /") for side in (node.left, node.right))
        return Expression("number", logic.calculated(operation, left, right))

    def _comparison(self, node: Any) -> Expression:
        sides = [node.left, *node.comparators]
        pairs = [
            self._compared(left, operation, right)
            for left, operation, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return Expression("true or false", pairs[0] if len(pairs) == 1 else logic.every(pairs))

    def _compared(self, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> Value:
        margin = self._margin
        with self._relaxed(0.0):
            one = self._compile(left)
            if isinstance(operation, ast.In | ast.NotIn):
                found = self._member(one, right)
                return found if isinstance(operation, ast.In) else logic.negated(found)
            other = self._compile(right)
        if one.type != other.type:
            raise ExpressionError(
                f"{written(left)} is a {one.type}, and {written(right)} is a {other.type}; "
                "only values of the same type can be compared"
            )
        if type(operation) in ORDERS:
            if one.type != "number":
                raise ExpressionError(f"{written(left)} is a {one.type}; < and > compare numbers")
            name, order = ORDERS[type(operation)]
            shift = -margin if name.startswith(">") else margin
            if isinstance(right, ast.Constant) and isinstance(right.value, int | float):
                return logic.WITH_CONSTANT[name](one.value, right.value + shift)
            if shift:
                shifted = logic.calculated(operator.add, other.value, logic.constant(shift))
                return logic.compared(order, one.value, shifted)
            return logic.compared(order, one.value, other.value)
        if type(operation) not in EQUALITIES:
            raise ExpressionError(f"'is' is not allowed (use ==; allowed: {ALLOWED})")
        return logic.compared(EQUALITIES[type(operation)], one.value, other.value)

    def _member(self, one: Expression, right: ast.expr) -> Value:
        """Return the function for ``one in right``, which is a text or a list of constants."""
        if isinstance(right, ast.Tuple | ast.List):
            members = [self._compile(part) for part in right.elts]
            if not all(
                isinstance(part, ast.Constant) and member.type == one.type
                for part, member in zip(right.elts, members, strict=True)
            ):
                raise ExpressionError(
                    f"{written(right)} must have only constants, each a {one.type}"
                )
            chosen = frozenset(member.value(logic.Rows({})) for member in members)
            return logic.WITH_CONSTANT["in"](one.value, chosen)
        other = self._compile(right)
        if one.type != "text" or other.type != "text":
            raise ExpressionError(
                f"{written(right)} must be a text, or constants such as ('ext4', 'xfs')"
            )
        return logic.compared(lambda part, text: part in text, one.value, other.value)

    def _call(self, node: Any) -> Expression:
        name, arguments = call_of(node)
        if name == "known":
            return self._known(*arguments)
        if name in ("rate", "average"):
            return self._window("rate" if name == "rate" else "average", *arguments)
        return self._over_list(name, *arguments)

    def _known(self, node: ast.expr) -> Expression:
        compared = len(self.fields)
        value = self._compile(node).value
        del self.fields[compared:]  # whether they have a value, not which one
        return Expression("true or false", logic.known(value))

    def _over_list(self, name: str, table: ast.expr, condition: ast.expr) -> Expression:
        path = path_of(table)
        group, read = find_list(path, self._groups)
        if len(self._groups) + 1 == logic.MAX_LEVELS:
            raise ExpressionError(f"{name} is inside too many other lists")
        self._noted(path)
        self._groups.append(group)
        # More rows make a count larger, which relaxes one comparison and tightens another one.
        margin = 0.0 if name == "count" else self._margin
        before = self.steps
        try:
            with self._relaxed(margin), self._nested():
                flag = self._flag(condition, name)
        finally:
            self._groups.pop()
        row = row_name(len(self._groups) + 1)
        steps = self.steps - before
        if name == "count":
            return Expression("number", logic.count_of(read, row, flag, steps))
        make = logic.any_of if name == "any" else logic.all_of
        return Expression("true or false", make(read, row, flag, steps))

    def _window(self, kind: Kind, number: ast.expr, duration: ast.expr) -> Expression:
        if self._is_nested:
            raise ExpressionError(f"{kind} is not allowed inside any, all, count, rate and average")
        if not isinstance(duration, ast.Constant):
            raise wrong_arguments(kind)
        seconds = seconds_of(duration.value, 1.0, MAX_WINDOW_SECONDS)
        with self._nested():
            value = self._number(number, kind)
        text = f"{kind} {seconds} {source_of(number)}"
        window = self.windows.setdefault(text, Window(kind, seconds, value))
        return Expression("number", window.value)

    def _noted(self, path: Sequence[str]) -> str:
        """Return the full name of a field or a list, and note its section: for a field of a row, that of the list."""
        name = full_name(path, self._groups)
        self.sections.add(name.partition(".")[0])
        return name

    def _flag(self, node: ast.expr, of: str) -> Value:
        return self._typed(node, "true or false", of)

    def _number(self, node: ast.expr, of: str) -> Value:
        return self._typed(node, "number", of)

    def _typed(self, node: ast.expr, required: Type, of: str) -> Value:
        found = self._compile(node)
        if found.type != required:
            kind = "a condition" if required == "true or false" else "a number"
            raise ExpressionError(f"{written(node)} is a {found.type}; {of!r} requires {kind}")
        return found.value

    @contextmanager
    def _relaxed(self, margin: float) -> Iterator[None]:
        before, self._margin = self._margin, margin
        try:
            yield
        finally:
            self._margin = before

    @contextmanager
    def _nested(self) -> Iterator[None]:
        before, self._is_nested = self._is_nested, True
        try:
            yield
        finally:
            self._is_nested = before

    _METHODS: ClassVar[Mapping[type[ast.expr], Callable[[Compiler, Any], Expression]]] = {
        ast.Constant: _constant,
        ast.Name: _field,
        ast.Attribute: _field,
        ast.BoolOp: _logic,
        ast.UnaryOp: _unary,
        ast.BinOp: _arithmetic,
        ast.Compare: _comparison,
        ast.Call: _call,
    }
