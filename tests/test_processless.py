"""What `make check` runs: each test that starts no process, and nothing that does."""

import os
import pathlib
import subprocess
import sys
from types import SimpleNamespace

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


def reports(*outcomes):
    """Of tests that start a process, that are skipped for another reason, or that pass."""
    why = {"starts": processless.WHY, "absent": "no browser"}
    for number, outcome in enumerate(outcomes):
        skipped, name = outcome in why, "test_it.py::test_%s[%d]" % (outcome, number)
        yield SimpleNamespace(nodeid=name, when="setup", passed=True, skipped=False, longrepr=None)
        said = ("x", 1, why.get(outcome))
        yield SimpleNamespace(
            nodeid=name, when="call", passed=not skipped, skipped=skipped, longrepr=said
        )


@pytest.mark.parametrize(
    "outcomes, left_out",
    [(["starts"], True), (["starts", "starts"], True), (["starts", "passes"], False)]
    + [(["passes", "starts"], False), (["absent"], False), (["passes"], False)],
)
def test_a_file_is_left_out_when_all_its_tests_start_processes(tmp_path, outcomes, left_out):
    path, kept = tmp_path / "test_it.py", str(tmp_path / "kept" / "kept.json")
    path.write_text("")
    known = processless.Known(kept)
    for report in reports(*outcomes):
        known.see(path, report)
    known.keep()
    again = processless.Known(kept)
    assert again.has(path) == left_out
    for number, outcome in enumerate(outcomes):
        name = "test_%s[%d]" % (outcome, number)
        assert again.starts(path, name) == (outcome == "starts")
    again.keep()  # where none of them was looked at
    assert processless.Known(kept).has(path) == left_out
    os.utime(path, ns=(1, 1))  # it changes
    assert not processless.Known(kept).has(path)
    assert not processless.Known(kept).starts(path, "test_starts[0]")


def test_a_test_that_starts_one_no_more_is_looked_at_again(tmp_path):
    path, kept = tmp_path / "test_it.py", str(tmp_path / "kept.json")
    path.write_text("")
    for outcome, starts in (("starts", True), ("passes", False)):
        known = processless.Known(kept)
        for report in reports(outcome):
            report.nodeid = "test_it.py::test_one"
            known.see(path, report)
        known.keep()
        assert processless.Known(kept).starts(path, "test_one") is starts
        assert processless.Known(kept).has(path) is starts


def test_of_a_file_of_which_some_were_left_out_nobody_says_what_all_do(tmp_path):
    path, kept = tmp_path / "test_it.py", str(tmp_path / "kept.json")
    path.write_text("")
    known = processless.Known(kept)
    for report in reports("starts"):
        known.see(path, report)
    known.leave_out(path)
    known.keep()
    again = processless.Known(kept)
    assert again.starts(path, "test_starts[0]") and not again.has(path)


def test_what_was_kept_is_no_matter_of_faith(tmp_path):
    kept = tmp_path / "kept.json"
    for text in ("", "{", "[1]", "7", '{"a": null}'):
        kept.write_text(text)
        assert not processless.Known(str(kept)).has(tmp_path / "a")
