"""What `make check` runs: each test that starts no process, and nothing that does."""

import os
import pathlib
import subprocess
import sys

import pytest

import processless

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TESTS = """
import os, subprocess

def test_plain():
    assert True

def test_it_fails():
    assert False

def test_it_starts_one():
    try:
        START
    except Exception:
        pass
    assert False
"""
STARTS = {
    "os.fork()": "skipped",
    "os.system('true')": "skipped",
    "os.posix_spawn('/bin/true', ['true'], {})": "skipped",
    "subprocess.run(['true'])": "skipped",
    "pass": "failed",
}


def run(folder, *words):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    environment = {**os.environ, "PYTHONPATH": os.path.join(TOP, "tests")}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("start", STARTS)
def test_who_starts_a_process_is_skipped_whatever_it_catches(tmp_path, start):
    (tmp_path / "test_it.py").write_text(TESTS.replace("START", start))
    plugin = "import processless\ndef pytest_collection_finish(session): processless.forbid()\n"
    (tmp_path / "conftest.py").write_text(plugin)
    said = run(tmp_path).stdout.splitlines()[-1]
    assert "1 passed" in said and ("1 skipped" in said) == (STARTS[start] == "skipped")
    assert ("2 failed" in said) == (STARTS[start] == "failed")


def test_the_rules_are_looked_at_quickly():
    """A file of tests that start none, one whose tests all do, and one that takes its time."""
    names = ["tests/test_origin_stacks.py", "tests/test_launch_end.py", "tests/test_spool_fuzz.py"]
    names.append("tests/test_trace_contract.py")
    counts = [run(TOP, "--no-processes", name).stdout.splitlines()[-1] for name in names[:2]]
    assert "passed" in counts[0] and "passed" not in counts[1] and "skipped" in counts[1]
    quick = [processless.is_quick(pathlib.Path(name)) for name in names]
    assert quick == [True, True, False, False]
