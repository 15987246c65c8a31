"""What for: the rules of data/purpose.ini over an event, its stack and its neighbours.

One pure function over a Survey, which is made once per run. No rule holds: the text is None,
and people read "unknown". docs/purposes.md lists the rules with their evidence and sources.
"""

from __future__ import annotations

from . import purpose_rules
from .model import Event, Purpose
from .purpose_facts import FACTS, FIELDS
from .purpose_survey import Functions, Survey

__all__ = ["Survey", "explain"]

UNKNOWN = Purpose()
MAX_UNNAMED = 3  # functions in a row; further out, the named one may be about something else
_BY_STACK = {"direct", "owner", "asker"}  # facts and fields that rest on stack and verdict alone
_LIBRARIES = ("alloc::", "core::", "std::", "hashbrown::", "__gnu_cxx::")


def explain(index, events, stacks, facts) -> Purpose:
    """The purpose of events[index]; `facts`: the Survey of these events and stacks.

    The events before it must have been explained: a syscall and a `free` look back.
    """
    event = events[index]
    if event.outer is not None and 0 <= event.outer < index:
        return events[event.outer].purpose or UNKNOWN
    found, thing = by_rules(fitting(event, facts), index, event, facts)
    if found is not UNKNOWN:
        facts.remember(event, thing)
    return found


def by_rules(rules, index, event, survey):
    """(The Purpose by the first of `rules` that holds, what the event's block is from then on)."""
    for rule in rules:
        values = _values(rule, survey, index, event)
        if values is not None:
            found = Purpose(rule.text.format_map(values), rule.key, rule.source)
            return found, rule.thing.format_map(values) or found.text
    return UNKNOWN, None


def fitting(event, survey):
    """Rules whose `stack` and `file` fit: the same for all events whose stacks begin alike."""
    facts = survey.facts_of(event)
    linked = survey.linked_libc(event)
    return fitting_stack(survey, event.name, event.kind, event.stack, facts, linked)


def fitting_stack(survey, name, kind, stack, facts, linked):
    """The same of an event that is known by its `name`, `kind` and `stack`; `linked`: the C library
    that its program has linked in. Equal answers are one object."""
    node = survey.tree.node(stack)
    there = survey.steps.of(node)
    question = name, kind, there, linked, facts.libc, facts.holds

    def ask(found):
        functions = Functions(found, kind, facts)
        rules = tuple(
            rule
            for rule in purpose_rules.default().candidates(name, there)
            if _stack_fits(rule, functions) and _file_fits(rule, functions, found, linked)
        )
        return survey.fitting.setdefault(tuple(rule.order for rule in rules), rules)

    return survey.answers.answer(question, node, ask)


def _stack_fits(rule, functions):
    return not rule.steps or _match(rule.steps, functions, 0)


def _match(steps, functions, at):
    """Whether the first of `steps` fits a function from index `at` on, all others further out."""
    first, unnamed, passed, index = steps[0], set(), 0, at
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


def _is_inside(name):
    """Of a language's own library: what `~` may pass over."""
    return name.startswith(_LIBRARIES)


def _file_fits(rule, functions, stack, module):
    """By the first function outside the allocator; where there is none, of the whole stack."""
    if not rule.file:
        return True
    function = functions.at(0)
    frame = function[1] if function else next(iter(stack), None)
    if frame is None:
        return False
    name = module if frame.role == "executable" and module else frame.module
    return any(pattern.match(name) for pattern in rule.file)


def _values(rule, survey, index, event):
    """{field: value} where the rule's other conditions hold and its fields are known, or None."""
    if not (suits(rule, survey, event) and _sized(rule, event)):
        return None
    if not (_flagged(rule, event) and _mapped(rule, event)):
        return None
    for name in rule.when:
        wanted = not name.startswith("!")
        if bool(FACTS[name.lstrip("!")](survey, index, event)) != wanted:
            return None
    values = {}
    for name in rule.fields:
        values[name] = FIELDS[name](survey, index, event)
        if values[name] is None:
            return None
    return values


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


# ---- without an example -------------------------------------------------------------------------


def by_stacks(groups, survey, found, facts_of):
    """Yield (id, Purpose) of the groups that are not in `found`, as far as their stacks tell.

    `found`: {id: Purpose} of the others, to be added to on the way: a nested call's is that of the
    call around it.
    """
    if len(found) == len(groups):
        return
    telling, alone = {}, {}
    facts = [facts_of(what[5], what[4], what[1]) for what in groups.whats]
    nodes = survey.tree.nodes(groups.stack)
    rows = zip(groups.what, groups.stack, nodes, groups.within, groups.verdict)
    for id_, (what, stack, node, within, verdict) in enumerate(rows, 1):
        if id_ in found:
            continue
        kind, name, _, _, phase, _ = groups.whats[what]
        if within and kind == "call":
            yield id_, found[within]
            continue
        key = what, verdict, survey.steps.of(node)
        if key not in telling:
            telling[key] = _may_tell(name, phase, groups.verdicts[verdict], key[2])
        if not telling[key]:
            yield id_, UNKNOWN
            continue
        is_static = facts[what].libc == "static"
        linked = (
            is_static and survey.libc_of(facts[what], stack, *stack_around(groups, within)) or ""
        )
        rules = fitting_stack(survey, name, kind, stack, facts[what], linked)
        asker = survey.decided(stack, groups.verdicts[verdict])
        key = id(rules), verdict, phase, id(asker)
        if key not in alone:
            event = Event(0, 0, 0, 0, "call", "", phase=phase, verdict=groups.verdicts[verdict])
            event.stack = stack
            alone[key] = _alone(rules, survey, event)
        yield id_, alone[key]


def stack_around(groups, within):
    """The stack of the un-nested call around a group."""
    while within:
        outer, within = within, groups.within[within - 1]
        if not within:
            yield groups.stack[outer - 1]


def _may_tell(name, phase, verdict, there):
    """Whether any rule that needs no more than stack and verdict may fit."""
    event = Event(0, 0, 0, 0, "call", name, phase=phase, verdict=verdict)
    rules = purpose_rules.default().candidates(name, there)
    return any(_needs_no_more(rule) and _equal(rule, event) for rule in rules)


def _alone(rules, survey, event):
    """The Purpose by the first rule that may hold, if it needs no more than stack and verdict."""
    for rule in rules:
        if not _equal(rule, event):
            continue
        if not _needs_no_more(rule):
            return UNKNOWN
        values = {name: FIELDS[name](survey, 0, event) for name in rule.fields}
        if None not in values.values() and all(FACTS[n](survey, 0, event) for n in rule.when):
            return Purpose(rule.text.format_map(values), rule.key, rule.source)
    return UNKNOWN


def _needs_no_more(rule):
    rests_on_more = rule.sizes or rule.flags or rule.cause or rule.path is not None
    return not rests_on_more and _BY_STACK.issuperset((*rule.when, *rule.fields))
