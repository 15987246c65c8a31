"""What for, over real recorded events: tests/data/events, and what must stay unknown."""

import json
import os
from collections import Counter

import pytest

import record_events
from alloctrace.model import Event, Frame, Module
from alloctrace.origin import origin
from alloctrace.origin.facts import Facts
from alloctrace.purpose import purpose, rules as purpose_rules
from alloctrace.trace import trace

FOLDER = os.path.join(os.path.dirname(__file__), "data", "events")
TRACES = os.path.join(os.path.dirname(__file__), "data", "traces")
NAMES = sorted(name[:-5] for name in os.listdir(FOLDER))


class Recording:
    """One file: events, stacks, modules, and the purpose that each event must get."""

    def __init__(self, name, folder=FOLDER):
        with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
            data = json.load(file)
        self.facts = dict(data["facts"])
        self.facts["holds"] = frozenset(self.facts.get("holds", ()))
        self.modules = [Module(i, base=0, **row) for i, row in enumerate(data["modules"])]
        frames = [_frame(*row) for row in data["frames"]]
        self.stacks = {
            int(id_): tuple(frames[at] for at in row) for id_, row in data["stacks"].items()
        }
        self.expected = [row.pop("expect", None) for row in data["events"]]
        self.events = [Event(t_ns=0, pid=1, **row) for row in data["events"]]

    def explain(self):
        for event in self.events:
            event.verdict = self._verdict(event)
        survey = purpose.Survey(
            self.events, self.stacks, self.modules, lambda event: Facts(**self.facts)
        )
        for index, event in enumerate(self.events):
            event.purpose = purpose.explain(index, self.events, self.stacks, survey)
        return self.events

    def _verdict(self, event):
        within = event.cause if event.kind == "syscall" else event.outer
        if within is not None:
            return self.events[within].verdict
        facts = Facts(event.phase, event.name, **self.facts)
        return origin.decide(self.stacks.get(event.stack, ()), facts)


def _frame(function, module, role, inlined, known):
    return Frame(1, module, role=role, function=function, inlined=inlined, known=known)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_events(name):
    recording = Recording(name)
    found = [event.purpose.text for event in recording.explain()]
    wrong = [
        (event.seq, event.name, text, expected)
        for event, text, expected in zip(recording.events, found, recording.expected)
        if text != expected
    ]
    assert wrong == []


# These say less, and what they say stays true when a function inside is not seen.
GENERAL = ("link-map", "rust-thread-info-inlined", "own", "free-known")


def _changed_without_inlining(name):
    """Purposes that are others when the frames of inlined functions are missing."""
    recording = Recording(name)
    recording.stacks = {
        id_: tuple(frame for frame in stack if not frame.inlined)
        for id_, stack in recording.stacks.items()
    }
    found = [event.purpose for event in recording.explain()]
    pairs = [
        (purpose.text, expected)
        for purpose, expected in zip(found, recording.expected)
        if purpose.rule not in GENERAL
    ]
    return [pair for pair in pairs if pair[0] not in (None, pair[1])]


@pytest.mark.parametrize("name", NAMES)
def test_without_debug_information_no_purpose_becomes_another(name):
    """Symbol tables name no inlined function: a rule for the function around it must not hold."""
    assert _changed_without_inlining(name) == []


def test_that_check_can_fail(monkeypatch):
    monkeypatch.setitem(purpose.FACTS, "inlining-known", lambda *_: True)
    changed = _changed_without_inlining("alloc")
    assert ("link_map of the program", "link_map of the vdso") in changed


@pytest.mark.parametrize("name", ["empty", "alloc", "rust_vec", "static"])
def test_every_event_of_the_articles_programs_has_a_purpose(name):
    assert all(event.purpose.text for event in Recording(name).explain())


@pytest.mark.parametrize("name", NAMES)
def test_no_rule_that_fits_is_left_out(name):
    """What is tried are few rules; tried one by one the others must all be found wanting."""
    recording, rules, fitting = Recording(name), purpose_rules.default(), 0
    survey = purpose.Survey(recording.events, recording.stacks, recording.modules)
    for event in recording.events:
        stack, facts = survey.tree.stack(event.stack), survey.facts_of(event)
        functions = purpose.Functions(stack, event.kind, facts)
        linked = survey.linked_libc(event)
        tried = purpose.fitting_stack(survey, event.name, event.kind, event.stack, facts, linked)
        for rule in rules.rules:
            fits = rule.steps and purpose._stack_fits(rule, functions)
            if event.name in rule.on and fits and not rule.file:
                assert rule in tried
                fitting += 1
    assert fitting or name in ("no_symbols", "musl", "musl_static")


def test_sources_and_rules_are_told():
    for event in Recording("libc").explain():
        if event.purpose.text:
            assert event.purpose.rule and event.purpose.source


@pytest.mark.parametrize("name", ["libc", "cxx", "rust_vec"])
def test_without_stacks_little_is_claimed(name):
    """Evidence gone, claim gone: what is left follows from arguments and neighbours alone."""
    recording = Recording(name)
    recording.stacks = {}
    kept = Counter(e.purpose.rule for e in recording.explain() if e.purpose.text and not e.outer)
    allowed = {"free-null", "free-known", "heap-query", "heap-grow", "heap-trim", "own-mapping"}
    allowed |= {"own-mapping-grows", "own-mapping-ends", "arena-space", "arena-cut-unnamed"}
    allowed |= {"realloc-known", "realloc-known-shrinks", "loader-cache-map", "gconv-cache-file"}
    allowed |= {"locale-archive", "heap-trim-asked", "file-unmap"}
    loading = {rule for rule in kept if rule.startswith(("segment", "relro", "loader"))}
    assert set(kept) - loading <= allowed


def test_other_functions_are_not_explained():
    """The same events, called by functions nobody knows."""
    recording = Recording("libc")
    for id_, stack in recording.stacks.items():
        recording.stacks[id_] = tuple(
            Frame(1, f.module, role=f.role, function=f.function and "x" + f.function) for f in stack
        )
    for event in recording.explain():
        if event.kind == "call" and event.name != "free" and event.purpose.text:
            assert event.purpose.rule in ("own", "own-unnamed", "realloc-known") or event.outer


def test_a_function_of_the_program_named_like_libcs_keeps_its_own_purpose():
    main = Frame(1, "prog", role="executable", function="main", known="main")
    compare = Frame(1, "prog", role="executable")
    sort = Frame(1, "libc.so.6", role="system", function="qsort_r")
    malloc = Frame(1, "libc.so.6", role="system", function="malloc")
    event = Event(0, 0, 1, 1, "call", "malloc", size=1039, phase="main", stack=1)
    stacks = {1: (malloc, compare, sort, main)}
    event.verdict = origin.decide(stacks[1], Facts())
    found = purpose.explain(0, [event], stacks, purpose.Survey([event], stacks))
    assert found.rule == "own-unnamed"
    stacks = {1: (malloc, sort, main)}
    event.verdict = origin.decide(stacks[1], Facts())
    found = purpose.explain(0, [event], stacks, purpose.Survey([event], stacks))
    assert found.rule == "qsort"


def split_stack(*functions):
    """What a mapping is for that these functions of a program made, by syscall()."""
    frames = [Frame(9, "libc.so.6", role="system", function="syscall")]
    frames += [Frame(1 + n, "prog", role="executable", function=f) for n, f in enumerate(functions)]
    event = Event(0, 0, 1, 1, "syscall", "mmap", size=16384, phase="main", stack=1)
    stacks = {1: tuple(frames)}
    event.verdict = origin.decide(stacks[1], Facts("main", "mmap"))
    return purpose.explain(0, [event], stacks, purpose.Survey([event], stacks)).text


def test_more_stack_names_the_function_that_needs_it():
    assert split_stack("__generic_morestack", "__morestack", "deep") == "more stack for deep"
    assert split_stack("__generic_morestack", "__morestack") == "more stack"  # cut there
    assert split_stack("my_morestack", "deep") == "my_morestack's own mapping"


def test_an_event_nobody_knows_is_unknown():
    event = Event(0, 0, 1, 1, "syscall", "mmap", size=4096, stack=0)
    survey = purpose.Survey([event], {})
    found = purpose.explain(0, [event], {}, survey)
    assert (found.text, found.rule, found.source) == (None, "", "")


def test_the_library_is_not_guessed_when_no_file_follows():
    recording = Recording("empty")
    at = next(
        i for i, e in enumerate(recording.events) if e.args.get("path", "").endswith("libc.so.6")
    )
    recording.events = recording.events[:at]
    texts = [event.purpose.text for event in recording.explain()]
    assert "link_map of an object" in texts and not any("libc.so.6" in (t or "") for t in texts)


def test_many_events_cost_little():
    """Rules are looked up once for stacks that begin alike: a second event costs no rules."""
    recording = Recording("rust_vec")
    recording.explain()
    rules = purpose_rules.default()
    calls = []
    original = rules.candidates
    rules.candidates = lambda *args: calls.append(args) or original(*args)
    try:
        events = recording.events
        survey = purpose.Survey(events, recording.stacks, recording.modules)
        for _ in range(3):
            for index in range(len(events)):
                purpose.explain(index, events, recording.stacks, survey)
    finally:
        del rules.candidates
    distinct = {(e.stack, e.name, e.kind) for e in events if e.outer is None}
    assert 0 < len(calls) <= len(distinct)


def test_a_hostile_stack_costs_little():
    frame = Frame(1, "prog", role="executable", function="alloc::boxed::x")
    stacks = {1: (Frame(1, "libc.so.6", role="system", function="malloc"),) + (frame,) * 4000}
    event = Event(0, 0, 1, 1, "call", "malloc", size=1, phase="main", stack=1)
    event.verdict = origin.decide(stacks[1], Facts())
    survey = purpose.Survey([event], stacks)
    functions = purpose.Functions(stacks[1], "call", Facts())
    assert functions.at(199) and functions.at(200) is None
    purpose.explain(0, [event], stacks, survey)


def test_braces_in_names_are_text():
    main = Frame(1, "prog", role="executable", function="{asker}{0.__class__}%s")
    stacks = {1: (Frame(1, "libc.so.6", role="system", function="malloc"), main)}
    event = Event(0, 0, 1, 1, "call", "malloc", size=1, phase="main", stack=1)
    event.verdict = origin.decide(stacks[1], Facts())
    found = purpose.explain(0, [event], stacks, purpose.Survey([event], stacks))
    assert found.text == "{asker}{0.__class__}%s's own"


@pytest.mark.parametrize("name", ["alloc", "vec_fn", "stripped-static"])
def test_a_trace_becomes_a_case(tmp_path, name):
    """By tests/record_events.py; these traces are older than the words for mprotect."""
    with trace.open(os.path.join(TRACES, name + ".brkpoint")) as recorded:
        (tmp_path / "case.json").write_text(record_events.case(recorded, 'a "test"'))
    recording = Recording("case", tmp_path)
    told = [
        (event.purpose.text, expected)
        for event, expected in zip(recording.explain(), recording.expected)
        if event.name != "mprotect"
    ]
    assert told and all(text == expected for text, expected in told)
    assert (recording.facts.get("libc") == "static") == (name == "stripped-static")
