"""Small sums over measured values: `loader - asm.loader`, `after.calls > 2 * calls`.

Names stand for values of a run; nothing else of Python is understood.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
}
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = re.compile(r"(\d+)\s*(KiB|MiB|GiB)\b")
LONGEST = 500  # characters


def _step(numbers: Iterable[int]) -> int:
    """The largest number of which all are multiples: of addresses, how they are aligned."""
    return functools.reduce(math.gcd, numbers, 0)


_FUNCTIONS: dict[str | None, Callable[..., Any]] = {"max": max, "abs": abs, "step": _step}


class ExpressionError(ValueError):
    """It cannot be read, or has no value. One line."""


class Expression:
    """`text` once read; `names`: the values that it asks for, in their order."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if not self.text or len(self.text) > LONGEST:
            raise ExpressionError("expected: an expression, such as calls > 2")
        plain = _SIZE.sub(lambda size: str(int(size[1]) * _UNITS[size[2]]), self.text)
        try:
            self._tree = ast.parse(plain, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ExpressionError("no expression: %s" % self.text) from None
        self.names = list(_names(self._tree))

    def value(self, lookup: Callable[[str], Any]) -> Any:
        """`lookup(name)` gives a value; raises ExpressionError where it makes no sense."""
        try:
            return _value(self._tree, lookup)
        except (ArithmeticError, TypeError, IndexError, ValueError) as error:
            if isinstance(error, ExpressionError):
                raise
            raise ExpressionError("%s: %s" % (self.text, error)) from None


def _names(node: ast.expr) -> Iterator[str]:
    name = _name(node)
    if name is not None:
        yield name
        return
    signs = [getattr(node, "op", None), *getattr(node, "ops", ())]
    strange = [sign for sign in signs if sign is not None and type(sign) not in _SIGNS]
    if strange or not isinstance(node, _KNOWN):
        raise ExpressionError("not understood: %s" % type((strange or [node])[0]).__name__)
    if isinstance(node, ast.Constant) and type(node.value) not in (int, float, str, bool):
        raise ExpressionError("not understood: %r" % (node.value,))
    if isinstance(node, ast.Call):
        if _name(node.func) not in _FUNCTIONS or node.keywords:
            known = ", ".join(map(str, _FUNCTIONS))
            raise ExpressionError("unknown function; expected: %s" % known)
        children = node.args
    else:
        children = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]
    for child in children:
        yield from _names(child)


_KNOWN = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Constant)
_SIGNS = {*_BINARY, *_UNARY, *_COMPARE, ast.And, ast.Or}


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return "%s.%s" % (node.value.id, node.attr)
    return None


def _value(node: ast.expr, lookup: Callable[[str], Any]) -> Any:
    name = _name(node)
    if name is not None:
        return lookup(name)

    def of(child: ast.expr) -> Any:
        return _value(child, lookup)

    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](of(node.left), of(node.right))
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](of(node.operand))
    if isinstance(node, ast.BoolOp):
        every = isinstance(node.op, ast.And)
        return all(map(of, node.values)) if every else any(map(of, node.values))
    if isinstance(node, ast.Compare):
        return _compared(node, of)
    if isinstance(node, ast.Call):
        return _FUNCTIONS[_name(node.func)](*map(of, node.args))
    raise ExpressionError("not understood: %s" % type(node).__name__)


def _compared(node: ast.Compare, of: Callable[[ast.expr], Any]) -> bool:
    left = of(node.left)
    for sign, other in zip(node.ops, node.comparators):
        right = of(other)
        if not _COMPARE[type(sign)](left, right):
            return False
        left = right
    return True
