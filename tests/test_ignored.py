"""What README and the manual tell people to make lies beside what git keeps, and git ignores it."""

import os
import re
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Behind what names an output: a file of this folder, no path, no word for one.
OUTPUT = re.compile(r"(?:-o|--html|\s>|&& gcc)\s+([a-z][\w.-]*)(?![\w/])")
COMMAND = re.compile(r"^(?:\$ )?(?:\./)?(?:brkpoint|echo|gcc) .*|`(?:\./)?brkpoint [^`]*`", re.M)
MADE = ("a.out", "a.out.4711.html", "a.out.4711.brkpoint", "eras.db", "build/x", "core")
pytestmark = pytest.mark.skipif(not os.path.exists(TOP + "/.git"), reason="no clone of git")


def outputs_in(text):
    found = [name for command in COMMAND.findall(text) for name in OUTPUT.findall(command)]
    return set(found)


def manual():
    names = ["README.md"] + ["docs/" + n for n in os.listdir(TOP + "/docs") if n.endswith(".md")]
    for name in names:
        with open(os.path.join(TOP, name), encoding="utf-8") as file:
            yield file.read()


def ignored(names):
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", *sorted(names)], cwd=TOP, stdout=subprocess.PIPE
    )
    return set(done.stdout.decode().split())


def test_what_the_manual_tells_to_make_is_ignored():
    told = set().union(*map(outputs_in, manual()))
    assert {"page.html", "a.svg", "a.pb.gz", "cells", "empty.c"} <= told
    wanted = told | set(MADE)
    assert ignored(wanted) == wanted


def test_what_is_kept_is_not():
    done = subprocess.run(["git", "ls-files"], cwd=TOP, stdout=subprocess.PIPE, check=True)
    tracked = done.stdout.decode().split()
    # Traces of tests are kept though they look like those that people make.
    wrong = {name for name in ignored(tracked) if not name.startswith("tests/data/traces/")}
    assert wrong == set()
    assert ignored({"a.c", "report.py", "brkpoint.budget"}) == set()
