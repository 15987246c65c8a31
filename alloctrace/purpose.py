"""What for: the rules of data/purpose.ini over an event, its stack and its neighbours.

One pure function over a Survey, which is made once per run. No rule holds: the text is None,
and people read "unknown". docs/purposes.md lists the rules with their evidence and sources.
"""

from __future__ import annotations

from . import purpose_rules
from .model import Purpose
from .purpose_facts import FACTS, FIELDS
from .purpose_survey import Survey

__all__ = ["Survey", "explain"]

UNKNOWN = Purpose()
MAX_UNNAMED = 3  # functions in a row; further out, the named one may be about something else
_LIBRARIES = ("alloc::", "core::", "std::", "hashbrown::", "__gnu_cxx::")


def explain(index, events, stacks, facts) -> Purpose:
    """The purpose of events[index]; `facts`: the Survey of these events and stacks.

    The events before it must have been explained: a syscall and a `free` look back.
    """
    event = events[index]
    if event.outer is not None and 0 <= event.outer < index:
        return events[event.outer].purpose or UNKNOWN
    functions = facts.functions(event)
    for rule in fitting(event, functions, facts):
        found = _apply(rule, facts, index, event, functions)
        if found is not None:
            return found
    return UNKNOWN


def fitting(event, functions, survey):
    """Rules whose `stack` and `file` fit: the same for all events of one name and stack."""
    key = (event.stack, event.name, event.kind)
    cache = survey.fitting
    if key not in cache:
        names = [name for name, _ in functions]
        frames = [frame for _, frame in functions] or survey.stacks.get(event.stack, ())
        linked = survey.linked_libc(event)
        cache[key] = [
            rule
            for rule in purpose_rules.default().candidates(event.name, names)
            if _stack_fits(rule, functions) and _file_fits(rule, frames, linked)
        ]
    return cache[key]


def _stack_fits(rule, functions):
    return not rule.steps or _match(rule.steps, functions, 0) is not None


def _match(steps, functions, at):
    """Index of the frame that the first of `steps` fits, all others further out; or None."""
    first, unnamed, passed = steps[0], set(), 0
    for index in range(at, len(functions)):
        name, frame = functions[index]
        if name and first.fits(name) and unnamed <= {frame.module} and passed <= MAX_UNNAMED:
            if len(steps) == 1 or _match(steps[1:], functions, index + 1) is not None:
                return index
        if first.reach == "<" or (first.reach == "~" and name and not _is_inside(name)):
            return None
        if first.reach == "~" and not name:
            unnamed.add(frame.module)  # `~` passes over unnamed functions of the same file only
            passed += 1
    return None


def _is_inside(name):
    """Of a language's own library: what `~` may pass over."""
    return name.startswith(_LIBRARIES)


def _file_fits(rule, frames, module):
    """`frames`: outside the allocator; where there are none, the whole stack."""
    if not rule.file or not frames:
        return not rule.file
    name = module if frames[0].role == "executable" and module else frames[0].module
    return any(pattern.match(name) for pattern in rule.file)


def _apply(rule, survey, index, event, functions):
    """The rule's Purpose where its other conditions hold and its fields are known."""
    if not (suits(rule, survey, event) and _sized(rule, event)):
        return None
    if not (_flagged(rule, event) and _mapped(rule, event)):
        return None
    for name in rule.when:
        wanted = not name.startswith("!")
        if bool(FACTS[name.lstrip("!")](survey, index, event, functions)) != wanted:
            return None
    values = {}
    for name in rule.fields:
        values[name] = FIELDS[name](survey, index, event, functions)
        if values[name] is None:
            return None
    purpose = Purpose(rule.text.format_map(values), rule.key, rule.source)
    survey.remember(event, rule.thing.format_map(values) or purpose.text)
    return purpose


def suits(rule, survey, event):
    """Whether what all events of its group share is as the rule wants it."""
    return _equal(rule, event) and _caused(rule, survey, event)


def _equal(rule, event):
    for name, values in rule.equal:
        found = event.phase if name == "phase" else getattr(event.verdict, name, None)
        if found not in values:
            return False
    return True


def _sized(rule, event):
    if not rule.sizes:
        return True
    size = event.size
    if size is None:
        return False
    return any(
        (low is None or size >= low) and (high is None or size <= high) for low, high in rule.sizes
    )


def _flagged(rule, event):
    for name, there, absent in rule.flags:
        found = set(str(event.args.get(name, "")).split("|"))
        if not there <= found or absent & found:
            return False
    return True


def _mapped(rule, event):
    if rule.path is None:
        return True
    path = event.args.get("path") or ""
    return path == "" if rule.path == "" else bool(rule.path.match(path))


def _caused(rule, survey, event):
    if not rule.cause:
        return True
    call = survey.cause(event)
    return (call.name if call is not None else "none") in rule.cause
