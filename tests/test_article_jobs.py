"""`brkpoint article`'s jobs, side by side in processes of their own, and what it builds."""

import os

from article import runs as article_runs
from command import article


def outcomes(monkeypatch, run, names):
    monkeypatch.setattr(article_runs, "run", run)
    return sorted(article._side_by_side([(name,) for name in names]), key=lambda o: o[0])


def no_locks(*_, **__):
    raise OSError("no /dev/shm")


def test_each_job_tells_its_facts_also_without_shared_memory(monkeypatch):
    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", no_locks)
    found = outcomes(monkeypatch, lambda name: {"pid": os.getpid(), "of": name}, "abcdefg")
    assert [(name, facts["of"], why) for name, facts, why in found] == [
        (name, name, "") for name in "abcdefg"
    ]
    assert len({facts["pid"] for _, facts, _ in found} | {os.getpid()}) == 8


def test_twin_a_job_that_fails_or_dies_is_told_of(monkeypatch):
    def run(name):
        if name == "a":
            raise article_runs.RunError("no such thing")
        os._exit(7)

    found = outcomes(monkeypatch, run, "ab")
    assert found == [("a", None, "no such thing"), ("b", None, "it ended before it told anything")]


def test_what_make_says_it_builds():
    lines = "gcc -g -o build/targets/alloc.$$ a.c && mv\n  rustc -O -o build/targets/empty.debug\n"
    lines += "nasm -o build/targets/x.$$.o x.asm\nmkdir -p build\ngcc -o build/libmexe.so"
    assert article._products(lines) == ["alloc", "empty.debug", "x", "libmexe.so"]
