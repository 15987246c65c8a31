"""The frame that decided, in the stacks of what lies inside a call."""

import os

import recorder_runs
from summary_fake import frame
from target_programs import ROOT, brkpoint

from alloctrace.model import Verdict
from alloctrace.purpose.inner_verdicts import InnerVerdicts
from alloctrace.stacks.tree import StackTree
from alloctrace.trace import trace

START, MAIN, WORK = frame("_start"), frame("main"), frame("work")
MALLOC, INSIDE, BRK = frame("malloc"), frame("sysmalloc"), frame("brk")
STACKS = {1: (MALLOC, WORK, MAIN, START), 2: (BRK, INSIDE, MALLOC, WORK, MAIN, START)}


def decided(stacks, index):
    tree = StackTree.of(stacks)
    verdict = Verdict("user", decided_by=index)
    return InnerVerdicts(tree).of(verdict, tree.node(1), tree.node(2)).decided_by


def test_it_is_the_same_frame():
    assert [decided(STACKS, index) for index in range(4)] == [2, 3, 4, 5]


def test_where_the_inner_stack_is_cut_before_it_there_is_none():
    assert decided({**STACKS, 2: (BRK, INSIDE)}, 1) is None


def test_without_a_deciding_frame_the_verdict_is_the_same():
    tree, verdict = StackTree.of(STACKS), Verdict("unknown")
    assert InnerVerdicts(tree).of(verdict, tree.node(1), tree.node(2)) is verdict


def test_both_engines_tell_who_made_a_syscall(tmp_path, built):
    program = os.path.join(ROOT, "build", "targets", "alloc")
    for engine in ("breakpoints", "recorder") if recorder_runs.BUILT else ("breakpoints",):
        path = str(tmp_path / engine)
        brkpoint("run", "--quiet", "--engine", engine, "-o", path, "--", program)
        with trace.open(path) as opened:
            told = [e for e in opened.events() if e.kind == "syscall" and e.phase == "main"]
            where = [opened.stack(e.stack)[e.verdict.decided_by].function for e in told]
            assert set(where) == {"main"} and len(where) == 2
