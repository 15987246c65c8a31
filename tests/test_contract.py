"""One table for both languages: recorder/contract.py makes the C of what Python reads."""

import glob
import importlib.util
import os
import re
import subprocess

import pytest

from alloctrace import words
from alloctrace.columns import schema as trace_schema
from alloctrace.spool import rows as spool_rows
from exports import lifetimes

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SPEC = importlib.util.spec_from_file_location("contract", ROOT + "/recorder/contract.py")
contract = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(contract)


HEADERS = {"words": "contract.h", "history": "contract_history.h", "rows": "contract_rows.h"}


def compiled(tmp_path, body):
    """(status, what the compiler said) of C that includes all headers."""
    for which, name in HEADERS.items():
        (tmp_path / name).write_text(contract.made(which))
    lines = ["#include <stddef.h>", *('#include "%s"' % name for name in HEADERS.values()), body]
    (tmp_path / "t.c").write_text("\n".join(lines))
    done = subprocess.run(
        ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", tmp_path / "t.c"],
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def test_each_table_compiles_and_says_what_python_says(tmp_path):
    body = [
        "const char *const phases[PHASES] = PHASE_NAMES;",
        "const char *const unmatched[UNMATCHED] = UNMATCHED_WORDS;",
        "const struct { const char *name, *given; } points[ENTRY_POINTS] = ENTRY_POINT_WORDS;",
        "const struct { unsigned n; const char *name; } calls[] = MEMORY_SYSCALL_NAMES;",
        "const unsigned bits[COLUMNS] = COLUMN_BITS, deltas[COLUMNS] = COLUMN_IS_DELTA;",
    ]
    facts = {
        "PHASES": len(words.PHASES),
        "ENTRY_POINTS": len(words.ENTRY_POINTS),
        "UNMATCHED": len(words.UNMATCHED),
        "COLUMNS": len(trace_schema.EVENT_COLUMNS),
        "OUTER": trace_schema.COLUMN_NAMES.index("outer"),
        "HAS_OUTER": trace_schema.PRESENT["outer"],
        "CUT_MANY": words.CUT_MANY,
        "SPOOL_AT_PEAK": spool_rows.AT_PEAK,
        "ROWS_DEEPEST": lifetimes.DEEPEST,
        "offsetof(struct spool_sum, peak_bytes)": 8
        * spool_rows.names("sum").split().index("peak_bytes"),
        "IS_MEMORY_SYSCALL(329) && !IS_MEMORY_SYSCALL(59)": 1,
        "sizeof BEGAN_LOADER": len(words.BEGAN["loader"]) + 1,
    }
    body += ['_Static_assert((%s) == %d, "");' % fact for fact in facts.items()]
    assert compiled(tmp_path, "\n".join(body)) == (0, "")


def test_a_row_that_python_takes_for_longer_does_not_compile(tmp_path, monkeypatch):
    monkeypatch.setitem(spool_rows.CODES, "u8", "H")  # as if Python read two bytes
    status, said = compiled(tmp_path, "")
    assert status and "spool/rows.py" in said


def test_a_name_that_python_lost_does_not_compile(tmp_path, monkeypatch):
    use = "int what = CALLS_OF_UNKNOWN_HOOK;"
    assert compiled(tmp_path, use)[0] == 0
    monkeypatch.delitem(words.UNMATCHED, "calls_of_unknown_hook")
    status, said = compiled(tmp_path, use)
    assert status and "CALLS_OF_UNKNOWN_HOOK" in said


@pytest.mark.parametrize("name", list(spool_rows.ROWS))
def test_a_row_has_as_many_fields_as_names(name):
    layout = spool_rows.layout(name)
    values = layout.unpack(bytes(layout.size))
    arrays = sum(max(n, 1) - 1 for t, w, n in spool_rows.fields_of(name) if w != "_" and t != "u8")
    assert len(values) - arrays == len(spool_rows.names(name).split())


# What must be written in one place only: a pattern that finds it in C.
ELSEWHERE = {
    "cut reasons": r"\bCUT_\w+ *=? *[0-9]",
    "kinds of records": r"\bSPOOL_[A-Z]+ *= *[0-9]",
    "how a phase began": "|".join(re.escape('"%s"' % how) for how in words.BEGAN.values()),
    "limits of exports": r"\bDEEPEST *= *%d\b|\bMOST_KNOWN *= *[0-9]" % lifetimes.DEEPEST,
    "unmatched": "|".join(re.escape('"%s"' % what) for what in words.UNMATCHED.values()),
}


@pytest.mark.parametrize("what", list(ELSEWHERE))
def test_c_says_nothing_of_it_twice(what):
    pattern, found = re.compile(ELSEWHERE[what]), []
    for folder in ("host", "agent", "rows", "tools"):
        for name in glob.glob("%s/recorder/%s/**/*.[chS]" % (ROOT, folder), recursive=True):
            with open(name, encoding="utf-8") as file:
                found += ["%s: %s" % (name, m[0]) for m in pattern.finditer(file.read())]
    assert not found
    assert pattern.search(
        'CUT_MANY = 5, SPOOL_SUMS = 12, DEEPEST = 100, "main returned", "returns without a call"'
    )
