"""Which of the places behind a broken rule are new: not in the run that is the base."""

from __future__ import annotations

from alloctrace.budget import judge, scopes
from alloctrace.compare import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.budget.scopes import Run


def mark(verdicts: list[dict[str, Any]], base: Run) -> None:
    """Set `new` of each place of a broken rule. `base`: the scopes.Run of the base."""
    for verdict in verdicts:
        if verdict["state"] == judge.BROKEN:
            try:
                known = {_key(place) for place in base.places(verdict["rule"])}
            except scopes.Unanswered:
                continue  # the base does not know: nothing is said to be new
            for place in verdict["places"]:
                place["new"] = _key(place) not in known


def _key(place: dict[str, Any]) -> tuple[object, ...]:
    """Without lines and offsets: one that was inserted above makes nothing new."""
    chain = tuple(map(_without_offset, place["chain"]))
    return place["name"], place["function"], names.purpose(place["purpose"]), chain


def _without_offset(name: str) -> str:
    return (name.rsplit(" ", 1)[0] if ":" in name else name).split("+0x", 1)[0]
