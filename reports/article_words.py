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

# How a number of rows is told: for one, for several.
_TOLD = {
    SAME: ("has the same value here", "have the same value here"),
    HOLDS: ("holds", "hold"),
    EXPLAINED: ("is explained", "are explained"),
    CHANGED: ("has other numbers here", "have other numbers here"),
    FAILS: ("does not hold", "do not hold"),
    SKIPPED: ("was skipped", "were skipped"),
    OPEN: ("is not redone yet", "are not redone yet"),
}


def told(verdict, number):
    """`12 hold`, `1 is not redone yet`."""
    return "%d %s" % (number, _TOLD[verdict][number != 1])


def compared(here, then):
    """The verdict on two numbers."""
    return SAME if here == then else CHANGED


def counted(counts):
    """{`mremap`: 11} -> `11 mremap`."""
    return listed("%s %s" % (grouped(number), name) for name, number in counts.items()) or "none"


def several(user_calls):
    """{name: {count, bytes}} -> `2 malloc of 1,056 bytes and 1 free`."""
    parts = []
    for name, row in sorted(user_calls.items(), key=lambda item: (item[0] == "free", item[0])):
        size = " of %s" % count(row["bytes"], "byte") if row["bytes"] else ""
        parts.append("%s %s%s" % (grouped(row["count"]), name, size))
    return listed(parts) or "none"
