"""The syntax of conditions: a text becomes a tree of Python's ``ast``, whose parts have names and calls of functions.

The text may come from a file that somebody else wrote: its length and its depth are limited.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping

from .names import ExpressionError, shown

MAX_CHARACTERS = 1000
MAX_DEPTH = 32

FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "any": ("list", "condition"),
    "all": ("list", "condition"),
    "count": ("list", "condition"),
    "known": ("field",),
    "rate": ("number", "'5m'"),
    "average": ("number", "'5m'"),
}
ALLOWED = (
    "fields, numbers, texts in quotes, true, false, and, or, not, in, comparisons, + - * /, "
    + ", ".join(FUNCTIONS)
)


def parse(text: str) -> ast.expr:
    """Return the tree of an expression. Raises ExpressionError."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the style of Python code
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        where = f" (character {error.offset})" if error.offset else ""
        raise ExpressionError(f"{shown(text)}: {error.msg}{where}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{shown(text)} is not an expression") from None


def path_of(node: ast.expr) -> list[str]:
    """Return the parts of a name such as ``memory.used_percent``. Raises ExpressionError."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or len(parts) > MAX_DEPTH:
        raise not_allowed(node)
    return [node.id, *reversed(parts)]


def call_of(node: ast.Call) -> tuple[str, list[ast.expr]]:
    """Return the name of a function of ours, and as many arguments as it has. Raises ExpressionError."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    arguments = FUNCTIONS.get(name)
    if arguments is None:
        raise ExpressionError(f"{written(node)} is not a call of {', '.join(FUNCTIONS)}")
    if len(node.args) != len(arguments) or node.keywords:
        raise wrong_arguments(name)
    return name, node.args


def wrong_arguments(name: str) -> ExpressionError:
    """Return the error of a call with other arguments than this function has."""
    return ExpressionError(f"use {name}({', '.join(FUNCTIONS[name])})")


def not_allowed(node: ast.expr) -> ExpressionError:
    """Return the error of a part that Python has and conditions do not."""
    return ExpressionError(f"{written(node)} is not allowed (allowed: {ALLOWED})")


def too_deep() -> ExpressionError:
    """Return the error of an expression with too many levels."""
    return ExpressionError(f"is nested more than {MAX_DEPTH} levels deep")


def source_of(node: ast.expr) -> str:
    """Return the text of a part, always with the same spaces and quotes. Raises ExpressionError."""
    try:
        return ast.unparse(node)
    except RecursionError:
        raise too_deep() from None


def written(node: ast.expr) -> str:
    """Return a part as it appears in an error."""
    return shown(source_of(node))
