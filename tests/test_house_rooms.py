"""Every import of the product, drawn: between rooms only those that docs/architecture.md has, and
no circle, neither of rooms nor of modules."""

import ast
import functools
import re

import pytest
from test_house import read, tracked

# The room of what is not a directory of that name.
PACKAGES = {"brkpoint_trace": "trace-scripts", "brkpoint_gdb": "gdb-scripts"}
INNER = "alloctrace"  # the room that has rooms of its own
FREE = {"tests", "bench", "docs", "targets", "evaluator", "region"}  # what may import everything
SCRIPTS = re.compile(r"#!/usr/bin/python3\b")


def product():
    """{path: text} of every Python file that the product consists of."""
    names = [name for name in tracked() if name.split("/")[0] not in FREE]
    found = {name: read(name) for name in names if name.endswith(".py") or "." not in name}
    return {n: text for n, text in found.items() if n.endswith(".py") or SCRIPTS.match(text)}


def modules(paths):
    """{name under which it is imported: path}."""
    found = {}
    for path in paths:
        folder, _, leaf = path.rpartition("/")
        name = re.sub(r"(/__init__)?\.py$", "", path).replace("/", ".")
        for package, room in PACKAGES.items():
            name = re.sub(r"^%s\.%s\b" % (room, package), package, name)
        found[name] = path
    return found


def arrows(sources):
    """{(path, path of what it imports)}: at the top and inside functions, whole and by name."""
    known, found = modules(sources), set()
    names = {path: name for name, path in known.items()}
    for path, text in sources.items():
        for node in _that_runs(ast.parse(text)):
            for name in _imported(node, names[path]):
                target = known.get(name) or known.get(name.rpartition(".")[0])
                if target and target != path:
                    found.add((path, target))
    return found


def _that_runs(node):
    """Its nodes but for what only mypy reads: no code depends on that."""
    yield node
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(inner, ast.If) and ast.unparse(inner.test) == "TYPE_CHECKING"):
            yield from _that_runs(inner)
        else:
            for other in inner.orelse:
                yield from _that_runs(other)


@functools.lru_cache(maxsize=1)
def drawn_once():
    return arrows(product())


def _imported(node, importer):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    above = importer.split(".")[: -node.level] if node.level else []
    base = ".".join(above + ([node.module] if node.module else []))
    return ["%s.%s" % (base, alias.name) for alias in node.names]


def room(path):
    return path.split("/")[0]


def inner_room(path):
    """The room inside INNER, "" of a module that is for all of them; None elsewhere."""
    words = path.split("/")
    if words[0] != INNER:
        return None
    return words[1] if len(words) > 2 else ""


def between(drawn, of):
    """{room: {rooms that it imports}}."""
    found = {}
    for path, target in drawn:
        ours, theirs = of(path), of(target)
        if ours is not None and theirs is not None and ours != theirs:
            found.setdefault(ours, set()).add(theirs)
    return found


def circle(edges):
    """Some names that import each other in a circle, or []."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name) :] + [name]
        if name in done:
            return []
        path.append(name)
        for other in sorted(edges.get(name, ())):
            if found := visit(other):
                return found
        path.pop()
        done.add(name)
        return []

    return next((found for found in map(visit, sorted(edges)) if found), [])


def table(text, heading):
    """{room: {rooms that it may import}} of the table below `heading`."""
    section = text.split(heading)[1].split("\n#")[0]
    rows = re.findall(r"^\| `([\w-]+)/?` \| .* \|([^|]*)\|$", section, re.M)
    return {name: set(re.findall(r"[\w-]+", may)) for name, may in rows}


def only_with(found):
    return {name: rooms for name, rooms in found.items() if rooms}


def test_the_rooms_import_what_the_table_says():
    drawn = between(drawn_once(), room)
    assert {"command", "start", "trace-scripts", "gdb-scripts"} <= set(drawn)  # it finds something
    assert only_with(drawn) == only_with(table(read("docs/architecture.md"), "## The rooms\n"))
    assert circle(drawn) == []


def test_the_inner_rooms_import_what_the_table_says():
    heading = "### The rooms of `alloctrace/`\n"
    drawn = between(drawn_once(), inner_room)
    assert "" not in drawn  # a module that is for all rooms imports none
    told = {name: rooms - {""} for name, rooms in drawn.items()}
    assert only_with(told) == only_with(table(read("docs/architecture.md"), heading))
    assert circle(told) == []


def test_no_modules_import_each_other():
    edges = {}
    for path, target in drawn_once():
        edges.setdefault(path, set()).add(target)
    assert len(edges) > 200
    assert circle(edges) == []


@pytest.mark.parametrize(
    "line, to",
    [
        ("from start import errors", "start/errors.py"),
        ("import start.errors", "start/errors.py"),
        ("def f():\n    from start.errors import UserError", "start/errors.py"),
        ("from . import run", "command/run.py"),
        ("from .run import invoke", "command/run.py"),
        ("from brkpoint_trace import watch", "trace-scripts/brkpoint_trace/watch.py"),
        ("from reports import nothing_of_ours", None),
        ("'from start import errors'", None),
        ("if TYPE_CHECKING:\n    from start import errors", None),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    from start import errors", "start/errors.py"),
        ("if CHECKING:\n    from start import errors", "start/errors.py"),
    ],
)
def test_each_kind_of_import_is_an_arrow(line, to):
    paths = ["start/errors.py", "command/run.py", "trace-scripts/brkpoint_trace/watch.py"]
    sources = {**dict.fromkeys(paths, ""), "command/main.py": line}
    assert arrows(sources) == ({("command/main.py", to)} if to else set())


def test_an_arrow_that_the_table_lacks_and_a_circle_are_seen():
    text = "## The rooms\n| `a/` | words | b, c |\n| `b/` | words | |\n## Next\n| `c/` | x | a |\n"
    assert table(text, "## The rooms\n") == {"a": {"b", "c"}, "b": set()}
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
