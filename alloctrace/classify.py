"""Gives every event its origin and its purpose: the one place where both are asked for."""

from __future__ import annotations

from . import words


def classify(history, stacks):
    """Set `verdict` and `purpose` of history.events. `stacks`: {stack id: (Frame, …)}.

    What lies inside a call, a nested call or a memory syscall, has the call's origin.
    """
    from . import origin, purpose

    facts_of = {phase: origin.Facts(phase=phase) for phase in words.PHASES}
    decided = {}
    for event in history.events:
        within = event.cause if event.kind == "syscall" else event.outer
        if within is not None:
            event.verdict = history.events[within].verdict
            continue
        key = (event.stack, event.phase)
        if key not in decided:
            decided[key] = origin.decide(stacks.get(event.stack, ()), facts_of[event.phase])
        event.verdict = decided[key]
    for index, event in enumerate(history.events):
        event.purpose = purpose.explain(index, history.events, stacks, facts_of[event.phase])
