"""brkpoint itself sees that evaluating asks nobody for memory, and that it would see it."""

import json
import random
import subprocess

import pytest

from article import designs_runs as designs
from evaluator_command import MEXE, build
from launching import ROOT
from test_evaluator_table import ACCEPTED, REFUSED

FITS = 60000  # bytes of a line that the command reads without more memory


@pytest.fixture(scope="module", autouse=True)
def built():
    build()


def by_chance(chance, size):
    """Bytes that an expression could hold, in any order."""
    return "".join(chance.choice("0123456789..+-*/() \t") for _ in range(size))


def expressions():
    """Right ones and wrong ones: each way to read a number, each error, deep ones, long ones."""
    chance = random.Random(37)
    yield from designs.texts(100)
    yield from designs.texts(50000)
    yield from ("2 + 3", "2 * (20 + 3)", "-(1)", "2 - -3", "1/0", "0/0", "-0", "1/3", "1" * 400)
    yield from ("", "1.", ".5", "--2", "+1", "1 2", "(1", "1)", "2(3)", "1e3", "$", "ä", "(" * 99)
    yield from ("0." + "0" * 330 + "49" * 400, "9007199254740993." + "0" * 700 + "1")
    yield from ("1" + "0" * 309, "4.9406564584124654" + "0" * 60, "0." + "0" * 323 + "5")
    yield from ("1" + "+1" * (FITS // 2), "7" * FITS, " " * FITS + "x", "1-" * (FITS // 2))
    yield from ("%s1%s" % ("(" * n, ")" * n) for n in (1, 7, 31, 64))
    yield from (by_chance(chance, chance.randrange(1, 80)) for _ in range(997))
    yield from ("%.17g" % chance.random() + "*%d.%d" % (n, n * n) for n in range(997))


def all_lines():
    """These, and the test set of the library: its table, and what fuzzing begins with. Bytes."""
    with open(ROOT + "/evaluator/tests/expressions.txt", "rb") as file:
        yield from file.read().splitlines()
    for text, *_ in ACCEPTED + REFUSED:
        if len(text) < FITS:
            yield text.replace(b"\n", b" ")
    yield from (text.encode() for text in expressions())


def watched(tmp_path, words, given=b""):
    """The names of the events in phases main and exit of a run of mexe, and the finished run."""
    trace = tmp_path / "trace"
    run = [ROOT + "/brkpoint", "run", "--quiet", "--force", "-o", trace, MEXE, *words]
    done = subprocess.run(run, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    show = [ROOT + "/brkpoint", "events", trace, "--json"]
    said = subprocess.run(show, stdout=subprocess.PIPE, check=True).stdout
    events = [json.loads(line) for line in said.splitlines()]
    events = [event for event in events if event["kind"] in ("call", "syscall")]
    assert any(event["phase"] == "load" for event in events)  # it did look
    return [e["name"] for e in events if e["phase"] in ("main", "exit")], done


def test_whatever_is_evaluated_there_is_no_call_and_no_memory_syscall(tmp_path):
    lines = list(all_lines())
    events, done = watched(tmp_path, [], b"".join(line + b"\n" for line in lines))
    assert events == []
    printed = done.stdout.decode().split("\n")
    assert len(printed) == len(lines) + 1
    assert printed[:4] == ["5", "1", "-1", "5"]
    assert printed.count("error") > 500 and len(set(printed)) > 1000


def test_what_lies_too_deep_for_the_stack_is_seen(tmp_path):
    """The negative twin: one mapping, given back."""
    deep = b"(-1*" * (FITS // 8) + b"1" + b")" * (FITS // 8)
    events, done = watched(tmp_path, [], deep + b"\n2\n")
    assert done.stdout == b"1\n2\n" or done.stdout == b"-1\n2\n"
    assert "mmap" in events and set(events) <= {"mmap", "mremap", "munmap"}
    assert events.count("mmap") == events.count("munmap")


def test_a_file_is_mapped_and_that_is_all(tmp_path):
    path = tmp_path / "sum"
    path.write_bytes(b"1+" * 1000003 + b"1")
    events, done = watched(tmp_path, ["-f", str(path)])
    assert (events, done.stdout) == (["mmap", "madvise"], b"1000004\n")
