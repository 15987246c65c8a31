"""What is typed stays typed: `make lint` checks the list of pyproject.toml, which only grows."""

import ast
import glob
import os
import re

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOMS = ("alloctrace", "article", "command", "course", "eras", "exports", "reports", "start")


def listed():
    with open(os.path.join(TOP, "pyproject.toml"), encoding="utf-8") as file:
        section = file.read().split("[tool.mypy]")[1].split("\n[")[0]
    return re.findall(r'^    "(.+)",$', section, re.M)


def modules(place):
    """Paths of the modules in the directory `place`, or of the one there."""
    paths = glob.glob("%s/%s/**/*.py" % (TOP, place), recursive=True)
    return {os.path.relpath(path, TOP) for path in paths} or {place}


def covered():
    return set().union(*map(modules, listed()))


def is_typed(text):
    """Whether it defines functions, and each says what it takes and what it returns."""
    found = functions(text)
    return bool(found) and all(map(_says_all, found))


def functions(text):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def _says_all(function):
    words = function.args
    taken = [*words.posonlyargs, *words.args, *words.kwonlyargs, words.vararg, words.kwarg]
    untyped = [word for word in taken if word and not word.annotation]
    return function.returns is not None and all(word.arg in ("self", "cls") for word in untyped)


def texts(paths):
    for path in paths:
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            yield path, file.read()


def test_each_typed_module_is_in_the_list_and_no_other():
    """To leave the list a module would have to lose its types, and to stay it has to have them.
    plain.pyi says the types of plain.py."""
    untyped = {"alloctrace/plain.py"}
    all_of_them = dict(texts(set().union(*map(modules, ROOMS))))
    typed = {path for path, text in all_of_them.items() if is_typed(text)}
    checked = {path for path in covered() - untyped if functions(all_of_them[path])}
    assert sorted(typed) == sorted(checked)


def test_a_room_that_is_typed_stands_in_the_list_whole():
    """Then a module that is added to it has types as well. A room around it may stand there."""
    rooms = {os.path.dirname(path) for path in covered()}
    empty = {path for path, text in texts(set().union(*map(modules, rooms))) if not functions(text)}
    whole = {room for room in rooms if modules(room) - empty <= covered()}
    places = tuple(place + "/" for place in listed())
    assert whole and all((room + "/").startswith(places) for room in whole)


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
