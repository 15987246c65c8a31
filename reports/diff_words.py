"""A difference of runs in words: the sentence that comes first, and one change of a number."""

from __future__ import annotations

from collections import defaultdict

from alloctrace.compare import difference
from alloctrace.escape import visible
from reports import quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MOST_CLAUSES = 3
MOST_CAUSES = 3
MOST_OF_IT = 0.8  # of a change, that one function stands for it


def change(
    before: int, after: int, form: Callable[[int], str] = quantities.grouped
) -> tuple[str, str, str]:
    """(`24 → 0`, `-24`, `gone`): both values, the difference, and that in percent of the first."""
    if before == after:
        return form(before), "", ""
    difference = ("+" if after > before else "-") + form(abs(after - before))
    return "%s → %s" % (form(before), form(after)), difference, percent(before, after)


def percent(before: int, after: int) -> str:
    """Of what was before; never infinite: `new`, `gone`; where it became large, how many times."""
    if not before or not after:
        return "new" if not before else "gone"
    value = 100 * (after - before) / abs(before)
    if value >= 1000:
        return "×%s" % quantities.grouped(round(after / before))
    return "%+.0f%%" % value if abs(value) >= 1 else "%+.2g%%" % value


def sentence(compared: dict[str, Any]) -> str:
    """The whole difference in one sentence."""
    return _sentence(compared) if compared["seen_everything"] else _AS_FAR + _sentence(compared)


_AS_FAR = "As far as was seen: "


def _sentence(compared: dict[str, Any]) -> str:
    rows = list(filter(difference.counts, compared["rows"]))
    if compared["same"]:
        noisy = any(row["changed"] for row in compared["rows"])
        return "No difference%s." % (_NOISE if noisy else "")
    clauses = list(_by_asker(compared, rows))[:MOST_CLAUSES] or list(_of_moves(rows))
    clauses = clauses + list(_left(rows)) if clauses else list(_of_bytes(compared, rows))
    return "; ".join(clauses) + "."


_NOISE = " beyond what the runs before differ by among themselves"


def _by_asker(compared: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    """A clause for each who makes more or fewer calls, the largest change first."""
    found = defaultdict(list)
    for row in rows:
        found[row["origin"], row["owner"] if row["origin"] == "runtime" else None].append(row)
    ranked = sorted(found.items(), key=lambda item: -_weight(item[1]))
    for (origin, owner), theirs in ranked:
        if _weight(theirs):
            yield _asker(compared, origin, owner, theirs)


def _left(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What code of the user's leaves behind: the one that matters most after a change."""
    users = [row for row in rows if row["origin"] == "user"]
    number = sum(row["after"]["live_bytes"] - row["before"]["live_bytes"] for row in users)
    if number:
        changed = [r for r in users if r["after"]["live_bytes"] != r["before"]["live_bytes"]]
        yield "%s left at the end: %s" % (_sized(number, "live_bytes"), _places(changed))


def _weight(rows: list[dict[str, Any]]) -> int:
    calls = _sum(_of_kind(rows, "call"))
    return abs(calls) + sum(abs(number) for number in _syscalls(rows).values())


def _sum(rows: list[dict[str, Any]]) -> int:
    return sum(row["after"]["count"] - row["before"]["count"] for row in rows)


def _of_kind(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["kind"] == kind]


def _syscalls(rows: list[dict[str, Any]]) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for row in _of_kind(rows, "syscall"):
        found[row["name"]] += row["after"]["count"] - row["before"]["count"]
    return {name: number for name, number in found.items() if number}


def _asker(
    compared: dict[str, Any], origin: str, owner: str | None, rows: list[dict[str, Any]]
) -> str:
    calls = _of_kind(rows, "call")
    number, syscalls = _sum(calls), _syscalls(rows)
    function = _mostly(calls) if origin == "user" else None
    if function and number:
        text = _fewer_or_more(function, number, calls, compared)
    elif number:
        noun = "call" if abs(number) == 1 else "calls"
        text = "%s %s" % (_signed(number, noun), _of(origin, owner))
    else:
        text = ""
    made = _made(syscalls, number, bool(function and number))
    if not text:
        made[-1] += " " + _of(origin, owner)
    text = quantities.listed(([text] if text else []) + made)
    causes = _causes(compared, origin, rows)
    return text + (": " + quantities.listed(causes) if causes else "")


def _fewer_or_more(
    function: str, number: int, calls: list[dict[str, Any]], compared: dict[str, Any]
) -> str:
    """With both values, of all calls of this function."""
    who = visible(function)
    of_it = ("function", "function_before")
    rows = [row for row in _of_kind(compared["rows"], "call") if function in map(row.get, of_it)]
    rows += [row for row in calls if function not in map(row.get, of_it)]
    before, after = (sum(row[side]["count"] for row in rows) for side in ("before", "after"))
    word = "fewer" if number < 0 else "more"
    noun = "call" if abs(number) == 1 else "calls"
    return "%s makes %s %s %s (%s → %s)" % (
        who,
        quantities.grouped(abs(number)),
        word,
        noun,
        quantities.grouped(before),
        quantities.grouped(after),
    )


def _mostly(rows: list[dict[str, Any]]) -> str | None:
    """The one function that stands for nearly all of a change, or None."""
    found: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        found[row["function"]] += abs(row["after"]["count"] - row["before"]["count"])
    best = max(found, key=lambda name: found[name], default=None)
    return best if best and found[best] >= MOST_OF_IT * sum(found.values()) else None


def _made(syscalls: dict[str, int], calls: int, in_words: bool) -> list[str]:
    """`4 mmap`, `1 brk` behind calls where all went the same way, else with a sign or a word
    each."""
    ranked = sorted(syscalls.items(), key=lambda item: (-abs(item[1]), item[0]))
    is_one_way = all(calls * number > 0 for number in syscalls.values())
    parts = []
    for name, number in ranked:
        if in_words:
            word = "fewer" if number < 0 else "more"
            parts.append("%s %s %s" % (quantities.grouped(abs(number)), word, name))
        elif is_one_way:
            parts.append("%s %s" % (quantities.grouped(abs(number)), name))
        else:
            parts.append(_signed(number, name))
    return parts


def _signed(number: int, name: str) -> str:
    return "%s%s %s" % ("+" if number > 0 else "-", quantities.grouped(abs(number)), name)


def _of(origin: str, owner: str | None) -> str:
    if origin == "loader":
        return "by the loader"
    if origin == "runtime":
        return "by the %s runtime" % visible(owner or "unknown")
    return "by your code" if origin == "user" else "of unknown origin"


def _causes(compared: dict[str, Any], origin: str, rows: list[dict[str, Any]]) -> list[str]:
    """What is new or gone and explains it: libraries to load, functions that the code called."""
    if origin != "user":
        found = [(name, how) for how in ("new", "gone") for name in compared["libraries"][how]]
        named = [row["purpose"] or "" for row in rows]
        found = [pair for pair in found if any(pair[0].split(".so")[0] in text for text in named)]
    else:
        found = _other_ways(rows)
    return ["%s is %s" % (visible(short(name)), how) for name, how in found[:MOST_CAUSES]]


def _other_ways(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Library functions through which only one of the sides called: those nearest to the code."""
    ways = {
        side: {row[via][-1] for row in _of_kind(rows, "call") if row[side]["count"] and row[via]}
        for side, via in (("before", "via_before"), ("after", "via"))
    }
    new, gone = ways["after"] - ways["before"], ways["before"] - ways["after"]
    return [(name, "new") for name in sorted(new)] + [(name, "gone") for name in sorted(gone)]


def short(name: str) -> str:
    """The last two parts of a path: `Vec::with_capacity`."""
    return "::".join(name.split("::")[-2:])


def _of_moves(rows: list[dict[str, Any]]) -> Iterator[str]:
    moved = [row for row in rows if row["how"] == "moved"]
    for row in moved[:MOST_CLAUSES]:
        yield "%s of %s moved from %s to %s" % (
            quantities.count(
                row["after"]["count"], "call" if row["kind"] == "call" else row["name"]
            ),
            visible(row["function"] or row["purpose"] or "code without a name"),
            row["phase_before"],
            row["phase"],
        )


def _of_bytes(compared: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    """The same calls: what else differs."""
    for name, words in (
        ("live_bytes", "left at the end"),
        ("bytes", "asked for"),
        ("live_blocks", "left at the end"),
    ):
        number = sum(row["after"][name] - row["before"][name] for row in rows)
        changed = [row for row in rows if row["after"][name] != row["before"][name]]
        if changed:
            what = _sized(number, name)
            yield "%s %s, by as many calls: %s" % (what, words, _places(changed))
            return
    peak = compared["peak_bytes"]
    if rows:
        yield "As many calls in all, made elsewhere: %s" % _places(rows)
    elif not peak["same"]:
        values = tuple(quantities.exact_size(peak[side]) for side in ("before", "after"))
        yield "The same calls, in another order: the peak is %s → %s" % values


def _sized(number: int, name: str) -> str:
    size = (
        quantities.size(abs(number))
        if name.endswith("bytes")
        else quantities.count(abs(number), "block")
    )
    return "As much in all" if not number else "%s %s" % (size, "more" if number > 0 else "less")


def _places(rows: list[dict[str, Any]]) -> str:
    named = [row["function"] or row["purpose"] or "code without a name" for row in rows]
    shown = list(dict.fromkeys(visible(name) for name in named))
    more = ["%d others" % (len(shown) - MOST_CAUSES)] if len(shown) > MOST_CAUSES else []
    return quantities.listed(shown[:MOST_CAUSES] + more)
