"""The words of the article's report: verdicts, and small phrases over counts."""

from __future__ import annotations

from reports.sentences import count, grouped, listed

SAME = "the same here"
CHANGED = "other numbers here"
HOLDS = "holds"
FAILS = "does not hold"
EXPLAINED = "explained"
OPEN = "not redone yet"
SKIPPED = "skipped"
VERDICTS = (SAME, HOLDS, EXPLAINED, CHANGED, FAILS, SKIPPED, OPEN)


def compared(here, then):
    """The verdict on two numbers."""
    return SAME if here == then else CHANGED


def counted(counts):
    """{`mremap`: 11} -> `11 mremap`."""
    return listed("%s %s" % (grouped(number), name) for name, number in counts.items()) or "none"


def several(user_calls):
    """{name: {count, bytes}} -> `2 malloc of 1,056 bytes`."""
    told = [
        "%s %s of %s" % (grouped(row["count"]), name, count(row["bytes"], "byte"))
        for name, row in sorted(user_calls.items())
    ]
    return listed(told) or "none"
