"""The container of the course: what it installs is what setup.packages says, and its commands are
there. No container is built: that takes an engine and a network."""

import os
import re
import shlex
import subprocess

import pytest

from course import library
from target_programs import ROOT

FILE = "packaging/course/Containerfile"


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def packages(text):
    """{section: names} of setup.packages."""
    found, section = {}, None
    for line in text.split("\n"):
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), set())
        elif " : " in line and not line.startswith("#"):
            section.add(line.split(" : ")[0])
    return found


def instructions(text):
    """(word, rest) of each, its lines joined."""
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").split("\n"):
        yield tuple(line.split(" ", 1))


def complaints(text):
    """What its steps ask for that is not there."""
    known, found = packages(read("setup.packages")), []
    goals = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.M)[1].split()
    for word, rest in instructions(text):
        if word not in ("ARG", "FROM", "ENV", "COPY", "WORKDIR", "RUN", "USER", "CMD"):
            found.append("no instruction: " + word)
        for command in rest.split("&&") if word == "RUN" else ():
            tool, *words = shlex.split(command)
            named = [w for w in words if not w.startswith("-")]
            if tool == "apt-get":
                installed = set(named) - {"install"}
                found += sorted(installed - set().union(*known.values()))
            elif tool == "./setup":
                found += [w for w in named if w not in known]
            elif tool == "make":
                found += [w for w in named if w not in goals]
            elif tool not in ("rm", "useradd"):
                found.append("unknown: " + tool)
    return found


def test_it_asks_for_nothing_that_is_not_there():
    text = read(FILE)
    assert complaints(text) == []
    assert "./setup article" in text and os.access(os.path.join(ROOT, "setup"), os.X_OK)
    check = "\n".join(rest for word, rest in instructions(text) if word == "RUN")
    assert subprocess.run(["sh", "-n"], input=check, text=True).returncode == 0


@pytest.mark.parametrize(
    "old, new",
    [
        ("libjemalloc2", "libjemalloc9"),
        ("setup article", "setup articles"),
        ("make install", "make installed"),
        ("RUN useradd", "RUNS useradd"),
    ],
)
def test_twin_what_is_not_there_is_seen(old, new):
    text = read(FILE)
    assert old in text and complaints(text.replace(old, new, 1))


def test_it_has_what_lessons_need():
    """A compiler of each language, each tool, and each library that a lesson names."""
    known = packages(read("setup.packages"))
    there = known["run"] | known["article"] | set(re.findall(r"\blib\w+(?:-dev)?\b", read(FILE)))
    assert {"gdb", "gcc", "g++", "rustc", "nasm", "musl-tools", "strace", "ltrace"} <= there
    needed = {n for lesson in library.lessons() for p in lesson.runs.values() for n in p.needs}
    assert needed and {name.split(".so")[0] for name in needed} <= {
        name.replace("-dev", "").rstrip("2") for name in there
    }


def test_the_manual_names_it():
    text = read("docs/teaching.md")
    build, run = re.findall(r"^#   (docker .*)$", read(FILE), re.M)
    assert FILE in build and build in text and run in text
    assert "FROM debian" not in text  # one place alone
