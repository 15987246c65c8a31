"""What for: the rules of data/purpose.ini over an event, its stack and its neighbours.

One pure function over a Survey, which is made once per run. No rule holds: the text is None,
and people read "unknown". docs/purposes.md lists the rules with their evidence and sources.
"""

from __future__ import annotations

from alloctrace.model import Purpose
from . import rules as purpose_rules
from .facts import FACTS, FIELDS, RESTS_ON
from .survey import Functions, Survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from alloctrace.globs import Glob
    from alloctrace.model import Event, Frame
    from alloctrace.origin.facts import Facts
    from alloctrace.purpose.rules import Rule, Step
    from alloctrace.stacks.beginnings import Beginning
    from alloctrace.stacks.tree import StackTree

__all__ = ["Survey", "explain"]

UNKNOWN = Purpose()
MAX_UNNAMED = 3  # functions in a row; further out, the named one may be about something else
_LIBRARIES = ("alloc::", "core::", "std::", "hashbrown::", "__gnu_cxx::")


def explain(index: int, events: Sequence[Event], stacks: StackTree, facts: Survey) -> Purpose:
    """The purpose of events[index]; `facts`: the Survey of these events and stacks.

    The events before it must have been explained: a syscall and a `free` look back.
    """
    event = events[index]
    if event.outer is not None and 0 <= event.outer < index:
        return events[event.outer].purpose or UNKNOWN
    found, thing = by_rules(suited(event, facts), index, event, facts)
    if found is not UNKNOWN:
        facts.remember(event, thing)
    return found


def suited(event: Event, survey: Survey) -> Iterator[Rule]:
    """Rules that suit the event's stack and all that its group has in common."""
    return (rule for rule in fitting(event, survey) if suits(rule, survey, event))


def by_rules(
    rules: Iterable[Rule], index: int, event: Event, survey: Survey
) -> tuple[Purpose, str | None]:
    """(The Purpose by the first of `rules` that holds, what the event's block is from then on);
    they suit its group."""
    for rule in rules:
        values = _values(rule, survey, index, event)
        if values is not None:
            return _with(rule, values)
    return UNKNOWN, None


def may_hold(rules: Sequence[Rule], index: int, event: Event, survey: Survey) -> tuple[Rule, ...]:
    """Those of `rules` that hold as far as the event itself tells: the rest is up to the events
    around. `rules` are of its group. None behind one that holds whatever these are."""
    left = []
    for rule in rules:
        if _may_hold(rule, index, event, survey):
            left.append(rule)
            if not is_about_others(rule):
                break
    return tuple(left)


def is_about_others(rule: Rule) -> bool:
    """Whether it asks for events around."""
    return not RESTS_ON.keys() >= rule.asks


def _may_hold(rule: Rule, index: int, event: Event, survey: Survey) -> bool:
    if not _fits_itself(rule, event):
        return False
    for name, wanted in rule.facts:
        if name in RESTS_ON and bool(FACTS[name](survey, index, event)) != wanted:
            return False
    known = RESTS_ON.keys() & rule.fields
    return all(FIELDS[name](survey, index, event) is not None for name in known)


def said(rule: Rule, survey: Survey, event: Event) -> tuple[Purpose, str | None]:
    """The same of a rule that is known to hold, whichever event of a group it is."""
    return _with(rule, {name: FIELDS[name](survey, 0, event) for name in rule.fields})


def _with(rule: Rule, values: dict[str, Any]) -> tuple[Purpose, str | None]:
    found = Purpose(rule.text.format_map(values), rule.key, rule.source)
    return found, rule.thing.format_map(values) or found.text


def fitting(event: Event, survey: Survey) -> tuple[Rule, ...]:
    """Rules whose `stack` and `file` fit: the same for all events whose stacks begin alike."""
    facts = survey.facts_of(event)
    linked = survey.linked_libc(event)
    return fitting_stack(survey, event.name, event.kind, event.stack, facts, linked)


def fitting_stack(
    survey: Survey, name: str, kind: str, stack: int, facts: Facts, linked: str
) -> tuple[Rule, ...]:
    """The same of an event that is known by its `name`, `kind` and `stack`; `linked`: the C library
    that its program has linked in. Equal answers are one object."""
    node = survey.tree.node(stack)
    return fitting_by_steps(survey, name, kind, survey.steps.of(node), facts, linked)(node)


def fitting_by_steps(
    survey: Survey, name: str, kind: str, there: int, facts: Facts, linked: str
) -> Callable[[int], tuple[Rule, ...]]:
    """A function: the same for the stack at a node; of all stacks with the steps `there`."""
    question = name, kind, there, linked, facts.libc, facts.holds

    def ask(found: Beginning) -> tuple[Rule, ...]:
        functions = Functions(found, kind, facts)
        rules = tuple(
            rule
            for rule in purpose_rules.default().candidates(name, there)
            if _stack_fits(rule, functions) and _file_fits(rule, functions, found, linked)
        )
        return survey.fitting.setdefault(tuple(rule.order for rule in rules), rules)

    answer = survey.answers.answer
    return lambda node: answer(question, node, ask)


def _stack_fits(rule: Rule, functions: Functions) -> bool:
    return not rule.steps or _match(rule.steps, functions, 0)


def _match(steps: tuple[Step, ...], functions: Functions, at: int) -> bool:
    """Whether the first of `steps` fits a function from index `at` on, all others further out."""
    first, passed, index = steps[0], 0, at
    unnamed: set[Any] = set()
    while function := functions.at(index):
        name, frame = function
        if name and first.fits(name) and unnamed <= {frame.module} and passed <= MAX_UNNAMED:
            if len(steps) == 1 or _match(steps[1:], functions, index + 1):
                return True
        if first.reach == "<" or (first.reach == "~" and name and not _is_inside(name)):
            return False
        if first.reach == "~" and not name:
            unnamed.add(frame.module)  # `~` passes over unnamed functions of the same file only
            passed += 1
        index += 1
    return False


def _is_inside(name: str) -> bool:
    """Of a language's own library: what `~` may pass over."""
    return name.startswith(_LIBRARIES)


def _file_fits(rule: Rule, functions: Functions, stack: Beginning, module: str) -> bool:
    """By the first function outside the allocator; where there is none, of the whole stack."""
    if not rule.file:
        return True
    function = functions.at(0)
    frame = function[1] if function else _innermost(stack)
    if frame is None:
        return False
    name = module if frame.role == "executable" and module else frame.module
    return any(pattern.match(name) for pattern in rule.file)


def _innermost(stack: Beginning) -> Frame | None:
    try:
        return stack[0]
    except IndexError:
        return None


def _values(rule: Rule, survey: Survey, index: int, event: Event) -> dict[str, Any] | None:
    """{field: value} where the rule's other conditions hold and its fields are known, or None."""
    if not _fits_itself(rule, event):
        return None
    for name, wanted in rule.facts:
        if bool(FACTS[name](survey, index, event)) != wanted:
            return None
    values = {}
    for name in rule.fields:
        values[name] = FIELDS[name](survey, index, event)
        if values[name] is None:
            return None
    return values


def suits(rule: Rule, survey: Survey, event: Event) -> bool:
    """Whether what all events of its group share is as the rule wants it."""
    call = survey.cause(event) if rule.cause else None
    return is_equal(rule, event, call.name if call is not None else "none")


def is_equal(rule: Rule, event: Event, around: str) -> bool:
    """The same; `around`: the name of the un-nested call around the event, or none."""
    if rule.cause and around not in rule.cause:
        return False
    for name, values in rule.equal:
        found = event.phase if name == "phase" else getattr(event.verdict, name, None)
        if found not in values:
            return False
    return True


def _fits_itself(rule: Rule, event: Event) -> bool:
    """Whether the event's own size, flags and path are as the rule wants them."""
    if rule.sizes and not _sized(rule, event):
        return False
    if rule.flags and not _flagged(rule, event):
        return False
    return rule.path is None or _mapped(rule.path, event)


def _sized(rule: Rule, event: Event) -> bool:
    size = event.size
    if size is None:
        return False
    return any(
        (low is None or size >= low) and (high is None or size <= high) for low, high in rule.sizes
    )


def _flagged(rule: Rule, event: Event) -> bool:
    for name, there, absent in rule.flags:
        found = set(str(event.args.get(name, "")).split("|"))
        if not there <= found or absent & found:
            return False
    return True


def _mapped(wanted: Glob | str, event: Event) -> bool:
    path = event.args.get("path") or ""
    return path == "" if isinstance(wanted, str) else wanted.match(path)
