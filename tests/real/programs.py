"""The rows of programs.ini, and whether a program is here."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import string
import subprocess
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INPUTS = os.path.join(HERE, "inputs")
KINDS = ("plain", "children", "attach")
COMPARED = ("stdout", "stderr", "status", "client")
WITNESSES = ("strace", "counter")


@dataclass
class Program:
    """A row of programs.ini, which explains the fields."""

    name: str
    run: str
    needs: str = ""
    check: str = ""
    packages: str = ""
    input: str = ""
    make: str = ""
    compare: tuple = COMPARED[:3]
    mask: tuple = ()
    kind: str = "plain"
    quick: bool = False
    witnesses: tuple = WITNESSES
    server: str = ""
    client: str = ""
    asks: str = ""
    pid: str = "echo $SERVER"
    user: str = "-"
    limit: float = 0

    def words(self, values, text=None):
        """The command as a list; `values` stand for $PORT and $HERE."""
        return [string.Template(w).safe_substitute(values) for w in shlex.split(text or self.run)]

    def missing(self):
        """Why it cannot be run here, or None."""
        for name in self.needs.split():
            if not shutil.which(name):
                return "no %s (%s)" % (name, self.packages)
        if self.check and subprocess.run(["sh", "-c", self.check], capture_output=True).returncode:
            return "not here (%s)" % self.packages
        return None


def read(path=os.path.join(HERE, "programs.ini")):
    """[Program] in the order of the file."""
    parser = configparser.ConfigParser(interpolation=None, comment_prefixes="#")
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    return [_program(name, dict(parser[name])) for name in parser.sections()]


def _program(name, row):
    for field in ("compare", "witnesses"):
        row[field] = tuple(row[field].split())
    row["mask"] = tuple(filter(None, row.get("mask", "").split("\n")))
    row["quick"] = row.get("quick") == "yes"
    row["limit"] = float(row.get("limit", 0))
    program = Program(name=name, **row)
    if program.kind not in KINDS or set(program.compare) - set(COMPARED):
        raise ValueError("programs.ini: [%s]: %s %s" % (name, program.kind, program.compare))
    if set(program.witnesses) - set(WITNESSES):
        raise ValueError("programs.ini: [%s]: %s" % (name, program.witnesses))
    return program


def chosen(words, quick=False):
    """Those whose name contains one of `words`; all where there are none."""
    found = [one for one in read() if not words or any(word in one.name for word in words)]
    return [one for one in found if one.quick or not quick]
