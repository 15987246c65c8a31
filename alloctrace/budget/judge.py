"""Whether runs kept a budget. A rule that nothing proves kept is never said to be.

Noise only adds: of several runs the least value counts.
"""

from __future__ import annotations

from alloctrace.budget.scopes import Unanswered
from alloctrace.words import signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from alloctrace.budget.language import Budget, Rule
    from alloctrace.budget.scopes import Run

KEPT, BETTER, BROKEN, UNJUDGED, SKIPPED = "kept", "better", "broken", "cannot be judged", "skipped"


def judge(budget: Budget, runs: Sequence[Run], strict: bool = False) -> list[dict[str, Any]]:
    """[verdict of each rule]; `runs`: [scopes.Run], at least one.

    A verdict: {rule, state, value, values, why, places}. `strict`: less than an exact rule says is
    broken too.
    """
    return [_Verdict(rule, runs, budget.status, strict).told for rule in budget.rules]


def overall(verdicts: list[dict[str, Any]]) -> int:
    """The exit status: 0 all kept, 1 one broken, 2 one that cannot be judged and none broken."""
    states = {verdict["state"] for verdict in verdicts}
    return 1 if BROKEN in states else 2 if UNJUDGED in states else 0


def ended(kind: str, status: int | None) -> str:
    """How a program ended, in words."""
    if status is None:
        return "how it ended was not seen"
    if kind == "signalled":
        return "killed by %s" % signal_name(status)
    return "%s with %d" % (kind, status)


class _Verdict:
    def __init__(self, rule: Rule, runs: Sequence[Run], status: int, strict: bool) -> None:
        self._rule, self._runs, self._status = rule, runs, status
        self.told: dict[str, Any] = {
            "rule": rule,
            "value": None,
            "values": [],
            "why": None,
            "places": [],
        }
        self.told["state"], self.told["why"] = self._state(strict)

    def _state(self, strict: bool) -> tuple[str, str | None]:
        rule, told = self._rule, self.told
        unmet = self._unmet()
        if unmet:
            return SKIPPED, unmet
        try:
            told["values"] = [run.value(rule) for run in self._runs]
            if rule.region and not all([run.has_region(rule.region) for run in self._runs]):
                return UNJUDGED, "no thread was in a region %s" % rule.region
            if rule.thread and not all([run.has_thread(rule.thread) for run in self._runs]):
                return UNJUDGED, "no thread was called %s when it ended" % rule.thread
        except Unanswered as error:
            return UNJUDGED, str(error)
        told["value"] = value = min(told["values"])
        if value > rule.limit:
            least = told["values"].index(value)
            told["places"] = self._runs[least].places(rule)
            return BROKEN, None
        doubt = self._doubt(value)
        if doubt:
            return UNJUDGED, doubt
        if value < rule.number and rule.exact:
            return (BROKEN if strict else BETTER), "less than the budget says"
        if rule.function and not any(run.meets(rule.function) for run in self._runs):
            return KEPT, "no call was made beneath %s" % rule.function
        return KEPT, None

    def _unmet(self) -> str | None:
        """Why the rule does not hold here, in words; None: it does."""
        if self._rule.when is None:
            return None
        libc, version = self._rule.when
        found, its_version = self._runs[0].libc()
        if libc == found and version in (None, its_version):
            return None
        here = " ".join(filter(None, (found, its_version))) or "no C library that is loaded"
        return "it is for %s; here is %s" % (" ".join(filter(None, self._rule.when)), here)

    def _doubt(self, value: int) -> str | None:
        """Why a value within the limit proves nothing; None: it does."""
        rule = self._rule
        for run in self._runs:
            kind, status = run.ended
            if (kind, status) != ("exited", self._status):
                text = "the program did not end with status %d: %s"
                return text % (self._status, ended(kind, status))
            if run.weak:
                return "not everything was seen: %s" % "; ".join(run.weak)
            unknown = run.unknown(rule)
            if unknown and value + unknown > rule.limit:
                return "%d of unknown origin may belong to it" % unknown
            nobody = run.nobody(rule)
            if nobody and value + nobody > rule.limit:
                return "%d of threads whose name is not known may belong to it" % nobody
            nameless = run.nameless(rule)
            if nameless and value + nameless > rule.limit:
                return "%d in a region without a name that is known may belong to it" % nameless
            if rule.function and not run.has_names():
                return "the functions of the program have no names"
        return None
