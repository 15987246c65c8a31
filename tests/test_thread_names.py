"""`thread NAME` in budgets: names that threads had when they ended, with both engines."""

import subprocess

import pytest
import test_doctor
from launching import BRKPOINT, build
from recorder_runs import ENGINES, traced
from test_check import check

from alloctrace.budget import scopes
from alloctrace.history import thread_names
from alloctrace.trace import trace

NAMES = {4111: "worker", 4222: "other and much ", 4333: "thread_names"}
SOME = ("worker", "plain", "other", "worker", "waiting")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("names"), "thread_names", "-O0", "-pthread")


def takes(path):
    """[(size, name of its thread)] of the probe's own calls."""
    with trace.open(path) as opened:
        known = thread_names.ThreadNames(opened.run)
        found = [event for event in opened.events() if event.size in NAMES]
        return [(event.size, known.of(event)) for event in found if event.name == "malloc"]


@pytest.mark.parametrize("engine", ENGINES)
def test_which_thread_did_it(tmp_path, program, engine):
    found = takes(traced(tmp_path, engine, program, *SOME, "exec"))
    assert len(found) == 3 * 2 + 1 + 1 + 1
    assert [(size, name) for size, name in found if NAMES[size] != name] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_execs_of_children_and_those_that_fail_end_no_thread(tmp_path, program, engine):
    found = takes(traced(tmp_path, engine, program, "waiting", "late", "exec"))
    assert [name for size, name in found if size == 4111] == ["worker"] * 6, found


@pytest.fixture(scope="module")
def told(tmp_path_factory, program):
    return traced(tmp_path_factory.mktemp("told"), ENGINES[-1], program, *SOME)


@pytest.mark.parametrize(
    "rule, status, said",
    [
        ("all user thread worker calls <= 12", 0, "12 calls"),
        ("all user thread worker calls <= 11", 1, "allowed: 11"),
        ('all any thread "other and much too long" bytes <= 4 KiB', 1, "allowed: 4 KiB"),
        ('main user thread "other and much " temporary = 1', 0, "1 block"),
        ("main user thread worker live-bytes = 0 B", 0, ""),
        ("all any thread worker peak <= 8 KiB", 0, ""),
        ("all any thread nobody calls = 0", 2, "no thread was called nobody when it ended"),
        ("all user thread worker thread other calls = 0", 2, "thread twice in one rule"),
    ],
)
def test_a_rule_for_a_thread(tmp_path, told, rule, status, said):
    done = check(tmp_path, "--budget", rule, "--trace", told)
    assert done.returncode == status and said in done.stdout + done.stderr, done


def forbid_another_call():
    """A filter as containers have one, which knows nothing of what is done here."""
    test_doctor.forbid_ptrace(number=161)  # chroot


@pytest.mark.skipif(len(ENGINES) == 1, reason="the recorder is not built")
def test_under_a_filter_of_system_calls(tmp_path, program):
    """There a thread may not ask for its own name: the host looks."""
    path = str(tmp_path / "filtered")
    words = [BRKPOINT, "run", "--quiet", "--engine", "recorder", "-o", path, "--", program, *SOME]
    subprocess.run(words, check=True, preexec_fn=forbid_another_call)
    found = takes(path)
    assert len(found) == len(SOME) + 3  # a worker takes twice
    assert [(size, name) for size, name in found if NAMES[size] != name] == []


def test_twin_where_names_are_not_known_nothing_is_said_to_be_kept(tmp_path, program):
    """Killed threads told nobody their names; sums alone do not tell threads apart."""
    killed = traced(tmp_path, ENGINES[-1], program, "worker", "waiting", "killed", check=False)
    assert (4111, None) in takes(killed)
    rule = ["--budget", "all user thread worker calls = 4", "--trace", killed]
    assert check(tmp_path, *rule).returncode == 2
    totals = str(tmp_path / "totals")
    subprocess.run([BRKPOINT, "--quiet", "--keep", "totals", "-o", totals, program, "worker"])
    rule = ["--budget", "all user thread worker calls = 4", "--trace", totals]
    done = check(tmp_path, *rule)
    assert done.returncode == 2 and "its events were not kept" in done.stdout


def sums_by_name(rows):
    """{name: (events, bytes, live blocks, temporary blocks)}"""
    found = {}
    for name, _, group in rows:
        row = group.count, group.bytes, group.live_blocks, group.temporary_blocks
        before = found.get(name, (0, 0, 0, 0))
        found[name] = tuple(a + b for a, b in zip(before, row))
    return found


def test_groups_of_one_name_each_are_taken_as_they_are(tmp_path, program, told):
    """What was counted is what would be counted again, event by event; of several names it is."""
    single = traced(tmp_path, ENGINES[-1], program, "worker")
    for path, is_one in ((single, True), (told, False)):
        with trace.open(path) as opened:
            asked = scopes.Run(opened)
            assert (asked._of_one_name() is not None) == is_one
            assert sums_by_name(asked._split()) == sums_by_name(asked._made_anew())
