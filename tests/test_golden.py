"""One golden text a report, masked. Write them anew, then read the difference:

BRKPOINT_GOLDEN=write /usr/bin/python3 -m pytest tests/test_golden.py && git diff tests/data/golden
"""

from __future__ import annotations

import os
import re

import pytest

from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from reports import markdown, text

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
GOLDEN = {
    "alloc.txt": lambda summary, recorded: text.render(summary, recorded, 80, unicode=True),
    "vec_fn.txt": lambda summary, recorded: text.render(summary, recorded, 100, unicode=True),
    "alloc.md": markdown.render,
}

# What differs between two recordings of one program, or between two versions of its tools.
MASKS = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", "DATE"),
    (r"\b(brkpoint|gdb|kernel|libc glibc)\s+\d[^\s,.]*(\.[^\s,.]+)*", r"\1 VERSION"),
    (r"\b\d+(\.\d+)? (ns|µs|ms|s)\b", "TIME"),
    (r"[ \n]+", " "),  # masks change the length of lines
    (r"-{3,}", "---"),
    (r"`/[^`]*/|[^ ]*tests/data/traces/", ""),
)


def masked(page):
    for pattern, mask in MASKS:
        page = re.sub(pattern, mask, page)
    return page


def render(name):
    path = os.path.join(DATA, "traces", name.rsplit(".", 1)[0] + ".brkpoint")
    with trace.open(path) as recorded:
        return GOLDEN[name](summarise(recorded), recorded)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden(name):
    path = os.path.join(DATA, "golden", name)
    made = render(name).replace(os.path.join(DATA, "traces") + os.sep, "")
    if os.environ.get("BRKPOINT_GOLDEN") == "write":
        with open(path, "w", encoding="utf-8") as file:
            file.write(made)
    with open(path, encoding="utf-8") as file:
        assert masked(made) == masked(file.read())


def test_the_masks_hide_only_what_may_differ():
    page = "malloc 472 took 12.5 ms, gdb 13.1, 2026-01-02 03:04:05 +0000"
    assert masked(page) == masked("malloc 472 took 3 s, gdb 16.3, 2027-01-02 03:04:05 +0100")
    assert masked(page) != masked(page.replace("472", "473"))
