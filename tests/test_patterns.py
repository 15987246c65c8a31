"""Patterns that are compiled when they are asked for the first time."""

import re
import subprocess
import sys

import pytest

from alloctrace.patterns import Pattern


def test_as_one_that_is_compiled_at_once():
    late, made = Pattern("a(b+)", re.I), re.compile("a(b+)", re.I)
    for text in ("xABBx", "none"):
        assert bool(late.search(text)) == bool(made.search(text))
        assert late.sub("-", text) == made.sub("-", text)
    assert late.groups == 1
    assert Pattern(rb"\x0f.", re.DOTALL).match(b"\x0f\n")


def test_nothing_is_compiled_before():
    wrong = Pattern("(")
    with pytest.raises(re.error):
        wrong.match("")


def test_a_start_of_brkpoint_compiles_none_of_ours():
    code = """
import argparse, json, re, shlex, sys
re.purge()  # what the standard library compiles for itself
sys.path.insert(0, ".")
from command import conclude, main, run
assert not re._cache, list(re._cache)
from alloctrace.symbols import function_names
function_names.plain("a::{closure#0}")
assert re._cache  # and it would be seen
"""
    subprocess.run([sys.executable, "-ISc", code], check=True, timeout=300)
