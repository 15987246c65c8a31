"""Made facts and records of the article: a Vec as in the article, shorter. For its tests."""

from __future__ import annotations

from alloctrace.model import Module
from alloctrace.summary.summary import summarise
from article import facts as article_facts, rows as article_rows
from summary_fake import FakeTrace, because, call, frame, loader, runtime, syscall, user

ELSEWHERE = 0x7F0000000000


def vec_events():
    """A Vec as in the article, shorter: the loader, the runtime, 3 doublings, stdout's buffer."""
    return [
        call(1, size=1425, phase="load", impl="__minimal_malloc", verdict=loader("x"), stack=1),
        syscall(2, "brk", 0, phase="load"),
        syscall(3, "mmap", 4096, phase="load", args={"path": "/lib/libc.so.6"}),
        call(
            4, size=552, phase="init", verdict=runtime("Rust"), purpose=because("a FILE"), stack=2
        ),
        call(5, size=32, stack=2, purpose=because("Vec's first block")),
        call(6, "realloc", size=64, ptr=5, result=5 * 0x1000, block=5, stack=2),
        call(7, "realloc", size=128, ptr=5, result=ELSEWHERE, block=5, stack=2),
        syscall(8, "mmap", 266240, phase="main", cause=7, verdict=user()),
        call(9, "realloc", size=256, ptr=7, result=2 * ELSEWHERE, block=5, stack=2),
        syscall(10, "mremap", 528384, phase="main", cause=9, verdict=user()),
        call(11, size=1024, verdict=user(False, ("std::io",)), purpose=because("stdout's buffer")),
        call(12, "free", ptr=5, block=5, stack=2),
    ]


STACKS = {
    1: (frame("malloc", role="loader", module="ld.so"),),
    2: (frame("malloc", role="system", module="libc.so.6"), frame("actual_code"), frame("main")),
}


MODULES = [
    Module(1, "/x/vec", 0, 0, 0x1000, role="executable"),
    Module(2, "/x/ld.so", 0, 0x1000, 0x3000, role="loader"),
    Module(3, "/lib/libc.so.6", 0, 0x4000, 0x9000),
]


def facts_of(events, name="vec", **more):
    trace = FakeTrace(events, stacks=STACKS, command=["build/targets/" + name])
    trace.modules = MODULES
    made = article_facts.facts(name, trace, summarise(trace))
    made.update(repeat="./brkpoint build/targets/" + name, file={"bytes": 8168}, trace="t.brkpoint")
    counts = {"brk": made["memory_syscalls"].get("brk", 0)}
    counts["mmap"] = made["memory_syscalls"].get("mmap", 0)
    made["typed"] = {"strace": {"state": "ok", "why": "", "command": "strace", "counts": counts}}
    made.update(loader_exports=[], witnesses=None, variables={}, path_length=9)
    made.update(more)
    return made


def row(data, claim, **facts):
    return article_rows.rows({claim: data[claim]}, facts, {})[0]


def record(**programs):
    data = article_rows.read_data()
    rows = article_rows.rows(data, programs, {"grow": "no gcc"})
    return {
        "made": "2022-01-15, Linux",
        "took_s": 7,
        "versions": {"gdb": "GNU gdb 13.1"},
        "rows": article_rows.as_dicts(rows),
        "programs": programs,
        "evaluator": None,
        "skipped": {"grow": "no gcc"},
        "repeat": "./brkpoint article",
    }
