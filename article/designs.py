"""One evaluator, three designs: what each asks of the allocator and the kernel, and how fast it is.

`measured`, by article/designs_runs.py: {"made", "recorded", "repeat", "long_bytes", "sizes":
[bytes of an expression], "designs": {name: {"told", "small", "long", "speed"}}}. `small` and `long`
are what `facts` says of a trace, of the built-in expressions and of one expression of `long_bytes`
bytes. `speed`: {size: {"ns_per_byte", "faults"}}, as measured without brkpoint. Pure.
"""

from __future__ import annotations

import json
from collections import Counter

from alloctrace import measure
from alloctrace.history import groups
from article.words import EXPLAINED, FAILS, HOLDS
from reports.markdown_text import code, escape, table
from reports.sentences import count, exact_size, grouped, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alloctrace.model import Event
    from article.words import Fact

TOLD = {
    "eval_list": "tokens in a linked list",
    "eval_array": "tokens in one growing array",
    "eval_mexe": "no tokens: mexe",
}
LIST, ARRAY, MEXE = TOLD
LINEAR = 3.0  # times the nanoseconds a byte, from the shortest expressions to the longest
BOTTLENECK = 0.5  # of the time


def facts(events: Iterable[Event]) -> Fact:
    """{calls, asked_bytes, peak_bytes, syscalls, moved_bytes} of the user's own events."""
    mine = [event for event in events if measure.origin(event) == "user"]
    calls = [event for event in mine if measure.is_call(event)]
    syscalls = [event for event in mine if measure.is_syscall(event)]
    return {
        "calls": dict(sorted(Counter(event.name for event in calls).items())),
        "asked_bytes": sum(map(measure.bytes_asked, filter(measure.hands_out, calls))),
        "peak_bytes": groups.of_events(calls).peak["bytes"],
        "syscalls": dict(sorted(Counter(event.name for event in syscalls).items())),
    }


# ---- what follows from it ------------------------------------------------------------------------


def growth(measured: Fact, name: str) -> float:
    """Nanoseconds a byte at the longest expressions, in those at the shortest."""
    speed = [measured["designs"][name]["speed"][str(size)] for size in measured["sizes"]]
    return float(speed[-1]["ns_per_byte"] / speed[0]["ns_per_byte"])


def share(measured: Fact, size: int, slower: str = LIST, faster: str = ARRAY) -> float:
    """How much of `slower`'s time `faster` does not need: 0.6 is sixty percent."""
    times = [measured["designs"][n]["speed"][str(size)]["ns_per_byte"] for n in (slower, faster)]
    return float(1 - times[1] / times[0])


def times(measured: Fact, size: int, slower: str, faster: str = MEXE) -> float:
    """How often `faster` does what `slower` does once."""
    return 1 / (1 - share(measured, size, slower, faster))


def is_linear(measured: Fact) -> bool:
    return all(growth(measured, name) < LINEAR for name in TOLD)


def verdict(measured: Fact) -> str:
    """The story in one sentence."""
    small = [sum(measured["designs"][name]["small"]["calls"].values()) for name in TOLD]
    first = measured["sizes"][0]
    said = (
        "For the same expressions a list of tokens makes %s of the allocator, an array %s, mexe %s"
    )
    said %= (count(small[0], "call"), *("none" if not n else grouped(n) for n in small[1:]))
    fast = "mexe is %.1f times as fast as the list and %.1f times as fast as the array, at %s"
    fast %= (times(measured, first, LIST), times(measured, first, ARRAY), count(first, "byte"))
    return "%s; %s." % (said, fast)


def call_ns(measured: Fact, size: int) -> float:
    """Nanoseconds of one allocator call: what the list's additional ones cost more. At LONG bytes
    only, where the calls of one expression were counted."""
    calls = [sum(measured["designs"][n]["long"]["calls"].values()) for n in (LIST, ARRAY)]
    speeds = [measured["designs"][n]["speed"][str(size)]["ns_per_byte"] for n in (LIST, ARRAY)]
    return float((speeds[0] - speeds[1]) * measured["long_bytes"] / (calls[0] - calls[1]))


def answer(measured: Fact) -> tuple[str, str, str]:
    """Of the article's claim that it is O(n) and allocations are its bottleneck: (value, cause,
    verdict), as article_rows has them."""
    first, last = measured["sizes"][0], measured["sizes"][-1]
    grown = max(growth(measured, name) for name in TOLD)
    value = "%s times the length: %.1f times the time a byte; allocation: %.0f %% of a list's time"
    value %= (grouped(last // first), grown, 100 * share(measured, first))
    return value, _cause(measured), _word(measured, first)


def _word(measured: Fact, size: int) -> str:
    if not is_linear(measured):
        return FAILS
    return HOLDS if share(measured, size) >= BOTTLENECK else EXPLAINED


def _cause(measured: Fact) -> str:
    first = measured["sizes"][0]
    return (
        "a token a node costs %.1f times what the same reading and parsing costs with an array, "
        "whose few calls are no bottleneck any more; mexe, which makes none, is %.1f times as fast "
        "as the array, for it reads numbers faster too"
        % (times(measured, first, LIST, ARRAY), times(measured, first, ARRAY))
    )


# ---- the page ------------------------------------------------------------------------------------


def to_json(measured: Fact) -> str:
    return json.dumps(dict(measured, verdict=verdict(measured)), indent=1, sort_keys=True) + "\n"


def to_markdown(measured: Fact, level: int = 1) -> str:
    """The page, or with `level` 2 a chapter of another one."""
    parts = [["#" * level + " The evaluator, three ways", "", "**%s**" % verdict(measured)]]
    parts += [_about(measured), _costs(measured), _speeds(measured), _reading(measured)]
    parts += [["To see it again: %s." % code(measured["repeat"])]]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _about(measured: Fact) -> list[str]:
    return [
        "The article plans an evaluator of arithmetic that allocates as little as can be. Here are",
        "three, run under brkpoint and, for their speed, without it (processor time, %s)."
        % escape(measured["made"]),
        "Recorded %s." % escape(measured["recorded"]),
        "",
        *("* %s: %s, %s" % (code(n), told, code("make run-" + n)) for n, told in TOLD.items()),
    ]


def _costs(measured: Fact) -> list[str]:
    """Calls, bytes and syscalls: of the built-in expressions, and of a long one."""
    rows = []
    for which, title in (("small", "four, of 79 tokens"), ("long", "one of %s" % _long(measured))):
        for name in TOLD:
            fact = measured["designs"][name][which]
            rows.append([title, code(name), _counted(fact["calls"])])
            rows[-1] += [exact_size(fact["asked_bytes"]), exact_size(fact["peak_bytes"])]
            rows[-1].append(_counted(fact["syscalls"]))
    head = ["expressions", "design", "calls", "asked for", "live at most", "memory syscalls"]
    return ["What the user's code asked for, in the whole run:", ""] + table(head, "lllrrl", rows)


def _long(measured: Fact) -> str:
    return count(measured["long_bytes"], "byte")


def _counted(counts: Mapping[str, int]) -> str:
    return listed("%s %s" % (grouped(number), name) for name, number in counts.items()) or "none"


def _speeds(measured: Fact) -> list[str]:
    rows = []
    for size in measured["sizes"]:
        for name in TOLD:
            speed = measured["designs"][name]["speed"][str(size)]
            rows.append([grouped(size), code(name), "%.2f" % speed["ns_per_byte"]])
            rows[-1].append("%.0f" % (1000 / speed["ns_per_byte"]))
            rows[-1] += ["%.1f" % times(measured, size, LIST, name), "%.1f" % speed["faults"]]
    head = ["bytes", "design", "ns a byte", "MB/s", "times the list", "page faults"]
    return [
        "How fast, by the length of an expression (always as many bytes in all; page faults of an",
        "evaluation: memory that the kernel had to hand out, page by page):",
        "",
    ] + table(head, "rlrrrr", rows)


def _reading(measured: Fact) -> list[str]:
    first, last = measured["sizes"][0], measured["sizes"][-1]
    linear = "It is O(n)" if is_linear(measured) else "It is not O(n) here"
    grown = listed("%.1f (%s)" % (growth(measured, name), code(name)) for name in TOLD)
    return [
        "%s: from expressions of %s bytes to those of %s, the time a byte changes by the factors"
        % (linear, grouped(first), grouped(last)),
        "%s." % grown,
        "",
        "List and array read and parse with the same code, so what the list takes longer is",
        "allocation and what follows from it: %s of its time, about %.0f ns a call."
        % (listed(_percents(measured)), call_ns(measured, first)),
        "What mexe gains on the array is only in small part allocation: it reads numbers faster",
        "than `strtod` does, and looks at nothing twice.",
    ]


def _percents(measured: Fact) -> list[str]:
    return [
        "%.0f %% (%s bytes)" % (100 * share(measured, s), grouped(s)) for s in measured["sizes"]
    ]
