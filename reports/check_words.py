"""A judged budget in words: one object for text, JSON, JUnit and GitHub."""

from __future__ import annotations

from alloctrace.budget import judge, language
from alloctrace.escape import visible
from reports import quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_PLACES = 5
MOST_OF_CHAIN = 6
_WORDS = {judge.KEPT: "ok", judge.BETTER: "better", judge.BROKEN: "FAIL"}
_WORDS.update({judge.UNJUDGED: "cannot", judge.SKIPPED: "skip"})


def plain(verdicts: list[dict[str, Any]], about: dict[str, Any]) -> dict[str, Any]:
    """The plain object. `about`: {command, runs, engine, trace, base}; see command/check.py."""
    rows = [_row(verdict) for verdict in verdicts]
    count = {state: sum(row["state"] == state for row in rows) for state in _WORDS}
    return {
        "kind": "check",
        "schema": 1,
        **about,
        "status": judge.overall(verdicts),
        "counts": {state.replace(" ", "_"): number for state, number in count.items()},
        "rules": rows,
    }


def _row(verdict: dict[str, Any]) -> dict[str, Any]:
    rule = verdict["rule"]
    return {
        "rule": visible(" ".join(rule.text.split())),
        "name": visible(" ".join(rule.name.split())),
        "source": rule.source,
        "line": rule.line,
        "metric": rule.metric,
        "limit": rule.limit,
        "state": verdict["state"],
        "value": verdict["value"],
        "values": verdict["values"],
        "why": verdict["why"] and visible(verdict["why"]),
        "sites": [dict(place, chain=list(place["chain"])) for place in verdict["places"]],
    }


def sentence(told: dict[str, Any]) -> str:
    """`1 of 5 budgets broken · ./a.out --small · 3 runs, alike`."""
    counts, number = told["counts"], len(told["rules"])
    judged = number - counts["skipped"]
    parts = []
    if counts["broken"]:
        parts.append("%d of %s broken" % (counts["broken"], quantities.count(judged, "budget")))
    if counts["cannot_be_judged"]:
        parts.append(
            "%d of %s cannot be judged"
            % (counts["cannot_be_judged"], quantities.count(judged, "budget"))
        )
    if not parts:
        parts.append(
            "%s kept" % quantities.count(judged, "budget") if judged else "nothing to judge"
        )
    if counts["skipped"]:
        parts.append("%d skipped" % counts["skipped"])
    return " · ".join([", ".join(parts), visible(told["command"]), _runs(told)])


def _runs(told: dict[str, Any]) -> str:
    runs = quantities.count(told["runs"], "run")
    if told["runs"] < 2:
        return runs
    alike = all(len(set(row["values"])) < 2 for row in told["rules"])
    return "%s, %s" % (runs, "alike" if alike else "not alike: the least of each counts")


def word(row: dict[str, Any]) -> str:
    return _WORDS[row["state"]]


def outcome(row: dict[str, Any]) -> str:
    """What became of a rule: `2 calls, 48 bytes`, `28 of 30`, or why there is no answer."""
    if row["state"] in (judge.SKIPPED, judge.UNJUDGED):
        return str(row["why"])
    value = amount(row, row["value"])
    if row["state"] in (judge.BETTER, judge.BROKEN):
        if row["value"] < row["limit"]:
            return "%s of %s: --update keeps it" % (value, _limit(row))
        if row["metric"] in ("calls", "reached"):
            value += ", " + quantities.size(sum(site["bytes"] for site in row["sites"]))
        return "%s; allowed: %s" % (value, _limit(row))
    if row["metric"] in language.BYTES:  # kept: nobody needs the last byte
        value = "%s of %s" % tuple(quantities.size(row[name]) for name in ("value", "limit"))
    elif row["value"] != row["limit"]:
        value = "%s of %s" % (value, _limit(row))
    return "%s; %s" % (value, row["why"]) if row["why"] else value


def _limit(row: dict[str, Any]) -> str:
    """The number that the rule allows, without its noun."""
    if row["metric"] in language.BYTES:
        return quantities.exact_size(row["limit"])
    return quantities.grouped(row["limit"])


def amount(row: dict[str, Any], value: int) -> str:
    if row["metric"] in language.BYTES:
        return quantities.exact_size(value)
    noun = {"live": "block", "temporary": "block", "syscalls": "syscall"}.get(row["metric"], "call")
    return quantities.count(value, noun)


def site(place: dict[str, Any]) -> str:
    """`malloc ×2, 48 bytes: parse_line parse.c:41 ← main a.c:12`; what for, where that is told."""
    chain = [visible(name) for name in place["chain"][:MOST_OF_CHAIN]]
    chain += ["…"] if len(place["chain"]) > MOST_OF_CHAIN else []
    where = " ← ".join(chain) or "code without a name"
    size = ", %s" % quantities.size(place["bytes"]) if place["bytes"] else ""
    what = " for %s" % visible(place["purpose"]) if place["purpose"] else ""
    new = "new  " if place.get("new") else ""
    return "%s%s ×%d%s%s: %s" % (new, visible(place["name"]), place["count"], size, what, where)


def sites(row: dict[str, Any]) -> list[str]:
    """Lines: the places behind a broken rule, new ones first."""
    ranked = sorted(row["sites"], key=lambda place: not place.get("new"))
    lines = [site(place) for place in ranked[:MOST_PLACES]]
    rest = len(ranked) - MOST_PLACES
    return lines + (["%d more places: --json has them" % rest] if rest > 0 else [])
