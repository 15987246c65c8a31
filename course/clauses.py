"""How a program is made and started: the clauses behind ` ; ` of `program`, and of `set`."""

from __future__ import annotations

import shlex

from alloctrace.plain import replace
from course.lesson import Program

_KNOWN = "variable NAME=VALUE, build FLAGS, compiler NAME, needs FILE, theirs, timed"


def put(program: Program, clause: str) -> None:
    """Into the Program what one clause says; raises ValueError."""
    word, _, rest = clause.partition(" ")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise ValueError("%s: %s" % (clause, error)) from None
    if word in ("build", "needs"):
        setattr(program, word, getattr(program, word) + words)
    elif clause in ("theirs", "timed"):
        setattr(program, clause, True)
    elif word == "compiler" and len(words) == 1:
        program.compiler = words[0]
    elif word == "variable" and len(words) == 1 and "=" in words[0]:
        name, _, value = words[0].partition("=")
        program.variables = {**program.variables, name: value}
    else:
        raise ValueError("%s; expected: %s" % (clause, _KNOWN))


def copy(program: Program, name: str, line: int) -> Program:
    """The same under another name, to be changed."""
    made = replace(program, name=name, line=line)
    made.arguments, made.variables = list(program.arguments), dict(program.variables)
    made.build, made.needs = list(program.build), list(program.needs)
    made.replaced = list(program.replaced)
    return made
