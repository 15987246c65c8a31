"""A budget file with new numbers, and the first one of a program. Only numbers are rewritten."""

from __future__ import annotations

from alloctrace import measure
from alloctrace.budget import language
from alloctrace.summary.totals import ORIGIN_RANK, PHASE_RANK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.budget.language import Rule
    from alloctrace.budget.scopes import Run

GENEROUS = 25  # percent, where runs disagreed


def updated(text: str, verdicts: list[dict[str, Any]]) -> tuple[str, list[tuple[Rule, str, str]]]:
    """(the new text, [(rule, old number, new number)]) of rules whose number is another now."""
    lines, changes = text.split("\n"), []
    for verdict in verdicts:
        rule, value = verdict["rule"], verdict["value"]
        if value is None or value == rule.number or rule.number < value <= rule.limit:
            continue
        begin, end = rule.span
        line = lines[rule.line - 1]
        old, new = line[begin:end], written(value, rule.metric, line[begin:end])
        lines[rule.line - 1] = line[:begin] + new + line[end:]
        changes.append((rule, old, new))
    return "\n".join(lines), changes


def written(value: int, metric: str, like: str = "") -> str:
    """A number as a budget has it: in the unit of `like` where that says it exactly."""
    if metric not in language.BYTES:
        return str(value)
    for unit, size in language.UNITS.items():
        if size > 1 and like.endswith(unit) and value % size == 0:
            return "%d %s" % (value // size, unit)
    return "%d B" % value


def first(words: str, runs: list[Run]) -> str:
    """The text of a first budget of `words`, as a shell has them; `runs`: [scopes.Run]."""
    lines = ["run %s" % words, "runs %d" % len(runs), ""]
    for phase, origin in _askers(runs[0]):
        for metric in ("calls", "bytes"):
            lines.append(_rule(phase, origin, metric, runs))
    for metric in ("syscalls", "peak", "live-bytes"):
        lines.append(_rule("all", "any", metric, runs))
    return "\n".join(lines) + "\n"


def _rule(phase: str, origin: str, metric: str, runs: list[Run]) -> str:
    """Exact where the runs agreed, else generous."""
    text = "%-4s %-16s %-10s " % (phase, origin, metric)
    rule = language.read(text + "= 0", "")
    values = [run.value(rule.rules[0]) for run in runs]
    number = written(max(values), metric)
    if len(set(values)) == 1:
        return "%s<= %s" % (text, number)
    return "%s<= %s +%d%%   # the runs disagreed: %d to %d" % (
        text,
        number,
        GENEROUS,
        min(values),
        max(values),
    )


def _askers(run: Run) -> list[tuple[str, str]]:
    """(phase, origin with its owner) that made calls; and the user in main, who may make none."""
    found = {("main", "user")}
    for group in run.groups:
        if group.is_call:
            owner = group.verdict.owner if group.verdict else None
            origin = measure.origin(group)
            is_named = origin == "runtime" and owner and " " not in owner
            found.add((group.phase, "%s:%s" % (origin, owner) if is_named else origin))
    ranked = sorted(found, key=lambda key: (ORIGIN_RANK(key[1].split(":")[0]), key[1]))
    return sorted(ranked, key=lambda key: PHASE_RANK(key[0]))
