"""What is typed stays typed: `make lint` checks the list of pyproject.toml, which only grows."""

import ast
import glob
import os
import re

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOMS = ("alloctrace", "article", "command", "reports", "start")


def listed():
    with open(os.path.join(TOP, "pyproject.toml"), encoding="utf-8") as file:
        section = file.read().split("[tool.mypy]")[1].split("\n[")[0]
    return re.findall(r'^    "(.+)",$', section, re.M)


def is_typed(text):
    """Whether it defines functions, and each says what it takes and what it returns."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return bool(functions) and all(map(_says_all, functions))


def _says_all(function):
    words = function.args
    taken = [*words.posonlyargs, *words.args, *words.kwonlyargs, words.vararg, words.kwarg]
    untyped = [word for word in taken if word and not word.annotation]
    return function.returns is not None and all(word.arg in ("self", "cls") for word in untyped)


def typed():
    found = set()
    for room in ROOMS:
        for path in glob.glob("%s/%s/**/*.py" % (TOP, room), recursive=True):
            with open(path, encoding="utf-8") as file:
                if is_typed(file.read()):
                    found.add(os.path.relpath(path, TOP))
    return found


def test_each_typed_module_is_in_the_list_and_no_other():
    """To leave the list a module would have to lose its types, and to stay it has to have them."""
    assert sorted(typed()) == sorted(listed())


@pytest.mark.parametrize(
    "text, expected",
    [
        ("def f(a: int, *b: int, c: int = 1) -> int: ...", True),
        ("class C:\n    def f(self, a: int) -> None: ...", True),
        ("def f(a: int): ...", False),
        ("def f(a) -> int: ...", False),
        ("def f(*a) -> int: ...", False),
        ("def f() -> int:\n    def g(): ...", False),
        ("A = 1", False),
    ],
)
def test_what_counts_as_typed(text, expected):
    assert is_typed(text) == expected
