"""In a pipe nothing that people read is wider than 80 columns."""

import glob
import itertools
import os

import pytest

import verbs
from command import help as help_verb, main
from reports import diff_text, ink
from reports.ink import cells
from target_programs import ROOT

STORED = sorted(glob.glob(os.path.join(ROOT, "tests/data/traces/*.brkpoint")))
WIDE = 80


def too_wide(text):
    """Whole lines; but for paths, which nobody can break."""
    lines = [line for line in text.splitlines() if cells(line) > WIDE]
    return [line for line in lines if cells(line.split()[-1]) < WIDE / 2]


@pytest.fixture(autouse=True)
def pipe(monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDE))


@pytest.mark.parametrize("name", main.VERBS)
def test_help(name, capsys):
    main.parser_for(main.load(name)).print_help()
    assert too_wide(capsys.readouterr().out) == []


def test_help_of_all_and_of_topics(capsys):
    for words in ([], *([topic] for topic in help_verb.TOPICS)):
        assert main.main(["help", *words]) == 0
    assert too_wide(capsys.readouterr().out) == []


def test_lines_that_have_room_stay_as_they_are():
    text = "A line.\nAnother.\n\n  a column      b\n"
    assert main.filled(text) == text
    long = main.filled("  verb   " + "word " * 20)
    assert too_wide(long) == [] and long.count("\n         word") == 1


FORMS = (
    *((), ("--summary",), ("--events",), ("--process", "all")),
    *(("--by", "peak", "--stacks"), ("--by", "calls", "--tree")),
)


def test_reports_of_stored_runs():
    for path, form in itertools.product(STORED, FORMS):
        assert too_wide(verbs.said("report", path, *form)) == [], (path, form)


def test_differences_of_stored_runs():
    for before, after in zip(STORED, STORED[1:] + STORED[:1]):
        _, text, _ = verbs.run("diff", before, after)
        assert "before" in text and too_wide(text) == [], (before, after)
        _, text, _ = verbs.run("diff", before, "--from", "load", "--to", "end")
        assert "live then" in text and too_wide(text) == [], before
    assert too_wide(verbs.said("sql", "--tables")) == []


def rows(count, size, owner):
    """A table's rows: two phases, calls and syscalls, of numbers that take much room."""
    before, after = {"count": 0, "bytes": 0}, {"count": count, "bytes": size}
    for phase, kind in itertools.product(("init", "main"), ("call", "syscall")):
        key = {"phase": phase, "kind": kind, "origin": "runtime", "owner": owner}
        yield dict(key, before=before, after=after)


@pytest.mark.parametrize("count, size", [(7, 100), (12345678901, 1 << 60)])
def test_a_difference_of_large_numbers_is_told_in_tables_beneath_each_other(count, size):
    record = {"tables": {"by_phase_and_origin": list(rows(count, size, "libstdc++"))}}
    lines = list(diff_text._by_phase(record, ink.Ink(WIDE, False, True)))
    assert too_wide("\n".join(lines)) == []
    heads = [line for line in lines if line.startswith("  when  who")]
    assert len(heads) == (1 if count < 100 else 3)
    assert sum("+%s" % "{:,}".format(count) in line for line in lines) == 2 * min(2, len(heads))
    assert all("libstdc++" in line for line in lines if line.startswith("  main"))
