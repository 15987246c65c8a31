"""The sentences of the report of eras: what changed between two, and the evidence for it."""

from __future__ import annotations

import re

from reports.quantities import count, exact_size, listed, short_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 24  # sentences of one change
_SHOWN = 8  # rows of an account that are told one by one


def short_version(text: str) -> str:
    """`rustc 1.63.0` -> 1.63.0; `gcc (Debian 12.2.0-14+deb12u1) 12.2.0` -> 12.2.0; others as is."""
    found = re.match(r"(?:\S*rustc|\S*gcc\b.*|\S*g\+\+.*?) (\d+\.\d+[\w.-]*)", text)
    return found[1] if found else text


def origin(row: dict[str, Any]) -> str:
    """`runtime (Rust)`, `loader`."""
    who = str(row["origin"])
    return "%s (%s)" % (who, row["owner"]) if row.get("owner") else who


def verdict(comparison: dict[str, Any]) -> str:
    """The first sentence: how much of it there is."""
    done = sum(era["cells"].get("done", 0) for era in comparison["eras"])
    eras = [era for era in comparison["eras"] if era["cells"].get("done")]
    text = "%s in %s" % (count(done, "cell"), count(len(eras), "era"))
    failed = sum(era["cells"].get("failed", 0) for era in comparison["eras"])
    text += ": %s failed." % count(failed, "cell") if failed else "."
    return " ".join([text, *_most_changed(comparison)])


def _most_changed(comparison: dict[str, Any]) -> list[str]:
    """The target whose brk and mmap changed most between two eras; [] where none did."""
    found = [(row["name"], change) for row in comparison["targets"] for change in row["changes"]]
    found.sort(key=lambda pair: -abs(_difference(pair[1])))
    if not found or not _difference(found[0][1]):
        return []
    name, change = found[0]
    told = (name, change["from"], change["to"], change["brk_mmap"]["before"])
    return [
        "%s changed most, from %s to %s: %d → %d brk/mmap." % (*told, change["brk_mmap"]["after"])
    ]


def _difference(change: dict[str, Any]) -> int:
    return int(change["brk_mmap"]["after"] - change["brk_mmap"]["before"])


def title(change: dict[str, Any]) -> str:
    return "%s → %s" % (change["from"], change["to"])


def sentences(change: dict[str, Any]) -> list[str]:
    """What changed and why, a sentence each; [] where nothing did."""
    accounts = [_account(change[key], noun) for key, noun in _ACCOUNTS]
    found = [text for text in accounts if text]
    libraries = change["libraries"]
    found += [_moved(row, "gone", "were taken from it") for row in libraries["gone"]]
    found += [_moved(row, "new", "are taken from it") for row in libraries["new"]]
    found += [_segments(row) for row in libraries["segments"]]
    found += [_purpose(row) for row in change["purposes"]]
    left = len(found) - MOST
    more = "%s: --json has them." % count(left, "more change") if left > 0 else None
    return found[:MOST] + [more] if more else found


_ACCOUNTS = (("calls", "calls"), ("brk_mmap", "brk/mmap"))


def _account(account: dict[str, Any], noun: str) -> str | None:
    """`brk/mmap 25 → 16 (-9): libpthread.so.0 -5, …`; None where the sum is made up alike."""
    rows = account["rows"]
    if not rows:
        return None
    parts = ["%s %+d" % (row["name"], row["after"] - row["before"]) for row in rows[:_SHOWN]]
    left = rows[_SHOWN:]
    if left:
        rest = sum(row["after"] - row["before"] for row in left)
        parts.append("%s %s" % (count(len(left), "other"), "%+d" % rest if rest else "0"))
    before, after = account["before"], account["after"]
    change = "%+d" % (after - before) if after != before else "the same"
    return "%s %d → %d (%s): %s." % (noun, before, after, change, ", ".join(parts))


def _moved(row: dict[str, Any], what: str, taken: str) -> str:
    cost = listed([count(row["mmaps"], "mmap"), count(row["calls"], "call")])
    text = "%s is %s, and with it %s" % (row["name"], what, cost)
    if not row["functions"]:
        return text + "; no function of it was asked for."
    parts = []
    for other in row["elsewhere"]:
        examples = ", ".join(other["examples"])
        more = ", …" if other["functions"] > len(other["examples"]) else ""
        when = "now" if what == "gone" else "before"
        verb = "is" if other["functions"] == 1 else "are"
        if what == "new":
            verb = "was" if other["functions"] == 1 else "were"
        told = (other["functions"], verb, other["library"], when, examples, more)
        parts.append("%d %s in %s %s (%s%s)" % told)
    symbols = count(row["functions"], "symbol")
    if not parts:
        when = "any more" if what == "gone" else "before"
        taken = taken.replace("were", "was").replace("are", "is")
        return "%s; nobody asks %s for what %s (%s)." % (text, when, taken, symbols)
    return "%s: of %s that %s %s." % (text, symbols, taken, listed(parts))


def _segments(row: dict[str, Any]) -> str:
    mmaps = row["mmaps"]
    return "%s is mapped by %s in place of %d: it has %s, and had %d." % (
        row["name"],
        count(mmaps[1], "mmap"),
        mmaps[0],
        count(row["after"], "segment"),
        row["before"],
    )


def _purpose(row: dict[str, Any]) -> str:
    before, after, what = row["before"], row["after"], row["what"]
    if row["change"] in ("gone", "came"):
        one = before or after
        return "%s: %s (%s%s; %s, asked by %s)." % (
            row["change"],
            what,
            "/".join(one["names"]),
            _bytes(one),
            origin(dict(origin=row["origin"], owner=one["owner"])),
            listed(one["asked"][:3]),
        )
    if row["change"] == "size":
        return "%s: %s." % (what, _sizes(before, after, row["kind"]))
    return "%s: %d → %d of them, %s → %s in all%s." % (
        what,
        before["count"],
        after["count"],
        short_size(before["bytes"]),
        short_size(after["bytes"]),
        _who_asked(before["asked"], after["asked"]),
    )


def _who_asked(before: list[str], after: list[str]) -> str:
    """`; asked by a before, by a and b now`, where that is the difference."""
    if before == after or len(before) + len(after) > 6:
        return ""
    return "; asked by %s before, by %s now" % (listed(before), listed(after))


def _bytes(row: dict[str, Any]) -> str:
    times = " × %d" % row["count"] if row["count"] > 1 else ""
    return " %s%s" % (short_size(row["bytes"]), times and " in all," + times)


def _sizes(before: dict[str, Any], after: dict[str, Any], kind: str) -> str:
    if before["count"] == 1:
        return "%d → %d bytes" % (before["bytes"], after["bytes"])
    told = "%s → %s in %s" % (
        exact_size(before["bytes"]),
        exact_size(after["bytes"]),
        count(before["count"], kind),
    )
    return told if before["bytes"] != after["bytes"] else "other sizes, the same in all"
