"""Modules are read as Python would read them, and where they are not, it does so itself."""

import os
import subprocess

import pytest

PYTHON = "/usr/bin/python3"
SHOW = """
import sys
sys.path[:0] = [%r, %r]
from start import modules
modules.use(%r, ["room"])
from room import one
print(one.VALUE, type(one.__loader__).__name__, one.__file__ == %r, one.who.__code__.co_filename)
"""
TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def shown(folder, *options):
    """(value, loader) as a Python of its own imports room.one."""
    path = str(folder / "room" / "one.py")
    program = SHOW % (TOP, str(folder), str(folder), path)
    argv = [PYTHON, "-ISB", *options, "-c", program]
    out = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert out[2:] == ["True", path]
    return out[:2]


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "room" / "one.py"
    path.parent.mkdir()
    path.write_text("VALUE = 17\n\n\ndef who():\n    pass\n")
    compiler = "import py_compile, sys; print(py_compile.compile(sys.argv[1]))"
    argv = [PYTHON, "-IS", "-c", compiler, str(path)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return path, done.stdout.strip()


def test_what_was_compiled_is_read_at_once(tmp_path, module):
    assert shown(tmp_path) == ["17", "_Finder"]


def test_a_text_that_has_changed_is_read_anew(tmp_path, module):
    path, _ = module
    path.write_text(path.read_text().replace("17", "1901"))
    assert shown(tmp_path) == ["1901", "SourceFileLoader"]
    path.write_text(path.read_text().replace("1901", "23"))  # as long as the first one
    os.utime(path, (7, 7))
    assert shown(tmp_path) == ["23", "SourceFileLoader"]


def test_without_what_was_compiled_python_finds_it(tmp_path, module):
    os.unlink(module[1])
    assert shown(tmp_path) == ["17", "SourceFileLoader"]


def test_what_another_python_compiled_is_none_of_ours(tmp_path, module):
    with open(module[1], "r+b") as file:
        file.write(b"\0\0")
    assert shown(tmp_path) == ["17", "SourceFileLoader"]


def test_an_optimising_python_keeps_to_its_own_way(tmp_path, module):
    assert shown(tmp_path, "-O") == ["17", "SourceFileLoader"]
