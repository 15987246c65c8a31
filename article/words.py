"""The words of the article's report: verdicts, and small phrases over counts."""

from __future__ import annotations

from collections import namedtuple

from reports.sentences import count, grouped, listed

TYPE_CHECKING = False

# What this run says to one step. proof: ((program, [seq of the events that show it]), …); inferred:
# whether a tool was not there or not to be believed, and its part is concluded from other evidence.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from configparser import SectionProxy
    from typing import Any, NamedTuple

    Fact = dict[str, Any]  # plain values, by their names
    Facts = dict[str, Fact]  # of each program

    class Answer(NamedTuple):
        value: str
        cause: str
        verdict: str
        proof: tuple[tuple[str, list[int]], ...] = ()
        inferred: bool = False

    Claim = Callable[[SectionProxy, Facts], Answer]

else:
    Answer = namedtuple("Answer", "value cause verdict proof inferred", defaults=((), False))

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


def told(verdict: str, number: int) -> str:
    """`12 hold`, `1 is not redone yet`."""
    return "%d %s" % (number, _TOLD[verdict][number != 1])


def ranges(numbers: Iterable[int]) -> str:
    """[0, 1, 2, 7] -> `0-2,7`, as `brkpoint events --seq` takes it."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in parts)


def compared(here: int, then: int) -> str:
    """The verdict on two numbers."""
    return SAME if here == then else CHANGED


def counted(counts: Mapping[str, int]) -> str:
    """{`mremap`: 11} -> `11 mremap`."""
    return listed("%s %s" % (grouped(number), name) for name, number in counts.items()) or "none"


def several(user_calls: Mapping[str, Fact]) -> str:
    """{name: {count, bytes}} -> `2 malloc of 1,056 bytes and 1 free`."""
    parts = []
    for name, row in sorted(user_calls.items(), key=lambda item: (item[0] == "free", item[0])):
        size = " of %s" % count(row["bytes"], "byte") if row["bytes"] else ""
        parts.append("%s %s%s" % (grouped(row["count"]), name, size))
    return listed(parts) or "none"
