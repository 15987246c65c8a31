#!/usr/bin/python3
"""The house in figures: what its Python is made of. `make check` is timed with --check."""

import argparse
import ast
import collections
import os
import resource
import statistics
import subprocess
import sys
import time

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path[:0] = [_TOP, os.path.join(_TOP, "tests")]
sys.dont_write_bytecode = True

import test_house_rooms as rooms  # noqa: E402
import test_types as types  # noqa: E402

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LONG = 300  # lines of a file


def main(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="also run `make check`")
    options = parser.parse_args(words)
    for what, figure in [*_figures(rooms.product()), *(_check() if options.check else ())]:
        print("%-44s %s" % (what, figure))


def _figures(sources):
    """(what, its figure) of {path: text}."""
    trees = [ast.parse(text) for text in sources.values()]
    drawn = rooms.arrows(sources)
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
    lengths = sorted(node.end_lineno - node.lineno + 1 for node in functions)
    private, once = _private(trees)
    sizes = {path: text.count("\n") for path, text in sources.items()}
    inner = rooms.between(drawn, rooms.inner_room)
    yield "modules", len(sources)
    yield "imports of one module by another", len(drawn)
    yield "circles of modules", " > ".join(_circle(drawn, lambda path: path)) or 0
    yield "rooms", len({rooms.room(path) for path in sources if "/" in path})
    yield "arrows between rooms", sum(map(len, rooms.between(drawn, rooms.room).values()))
    yield "circles of rooms", " > ".join(_circle(drawn, rooms.room)) or 0
    yield "rooms in alloctrace", len({*map(rooms.inner_room, sources)} - {None, ""})
    yield "arrows between these", sum(len(found - {""}) for found in inner.values())
    yield "circles of these", " > ".join(_circle(drawn, rooms.inner_room)) or 0
    yield "functions", len(functions)
    tenth = lengths[len(lengths) * 9 // 10]
    yield "lines: median / p90 / longest", "%g / %d / %d" % (
        statistics.median(lengths),
        tenth,
        lengths[-1],
    )
    yield "with a return type", "%.0f %%" % (100 * _share(functions, lambda f: f.returns))
    yield "private, and of these used once", "%d, %d" % (private, once)
    yield "lines of the product", sum(sizes.values())
    for room, lines in sorted(_by_room(sizes).items(), key=lambda row: -row[1]):
        yield "  " + room, lines
    yield "files over %d lines" % _LONG, sum(size > _LONG for size in sizes.values())
    yield "modules under mypy --strict", len(types.covered())


def _circle(drawn, of):
    edges = {}
    for path, target in drawn:
        ours, theirs = of(path), of(target)
        if ours != theirs and None not in (ours, theirs):
            edges.setdefault(ours, set()).add(theirs)
    return rooms.circle(edges)


def _private(trees):
    """How many functions are for their module alone, and how many of them it names once."""
    many = once = 0
    for tree in trees:
        named = collections.Counter()
        for node in ast.walk(tree):
            named[getattr(node, "attr", getattr(node, "id", None))] += 1
        functions = [node.name for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
        names = [name for name in functions if name[:1] == "_" and name[:2] != "__"]
        many += len(names)
        once += sum(named[name] == 1 for name in names)
    return many, once


def _share(values, holds):
    return sum(bool(holds(value)) for value in values) / len(values)


def _by_room(sizes):
    found = collections.Counter()
    for path, lines in sizes.items():
        found[rooms.room(path)] += lines
    return found


def _check():
    """`make check` from a tree in which everything is to be looked at."""
    for what in ("nothing looked at yet", "again, unchanged"):
        if what[0] == "n":
            subprocess.run(
                ["rm", "-rf", "build/lint", "build/mypy", "build/processes.json"], cwd=_TOP
            )
        begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(["make", "check"], cwd=_TOP, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        took = "%.0f s, %.0f s CPU, status %d"
        yield "make check, " + what, took % (time.monotonic() - begun, cpu, done.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
