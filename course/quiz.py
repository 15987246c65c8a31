"""Ten questions with their answers, from a seed: about a program that the seed makes up and this
machine runs, and about events of runs that are there. Endless variants, one seed a student."""

from __future__ import annotations

import os
import random as randoms
import re

from alloctrace import measure
from alloctrace.escape import visible
from alloctrace.plain import fresh, plain
from course import library, measured, places, statements
from course.lesson import Lesson, Program
from reports import event_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from alloctrace.model import Event
    from course.measured import Measured, OfRun
    from course.statements import Statement
    from course.workshop import Workshop

MANY = 10
OWN = "quiz.brkpoint"
MOST_EVENTS = 100000  # of a trace that is asked about
_WHO = {
    "loader": "the dynamic loader",
    "runtime": "the runtime of a language",
    "user": "the program's own code",
    "unknown": "nobody can tell",
}
_PHASES = {
    "load": "while the libraries were loaded",
    "init": "while initialisers ran",
    "main": "while main ran",
    "exit": "after main had returned",
}


@plain
class Asked:
    """`choices`: texts; `answer`: the right text, or a number in words."""

    text: str
    answer: str
    choices: list[str] = fresh(list)


@plain
class Quiz:
    """`program`: the text of the program that most are about, or ""; `why`: why there is none."""

    program: str
    questions: list[Asked]
    why: str = ""


def of_seed(seed: int | str, shop: Workshop, traces: Iterable[str] = ()) -> Quiz:
    """The Quiz of a seed. `traces`: paths of other runs to ask about."""
    random = randoms.Random(seed)
    told = statements.made(random)
    lesson = Lesson("quiz", 0, "", "", "")
    lesson.programs["quiz"] = Program("quiz", "quiz.c", [one.word for one in told])
    lesson.values = library.common()
    try:
        own = shop.run(lesson, lesson.first).trace
    except measured.Unmeasured as error:
        return Quiz("", _about_others(random, list(traces), MANY), str(error))
    program = "\n".join("%2d  %s" % (at, one.text) for at, one in enumerate(told, 1))
    with measured.Measured(lesson, lambda name: own) as values:
        found = list(_about_own(random, told, values))
    random.shuffle(found)
    rest = _about_others(random, list(traces) or [own], MANY - 6)
    return Quiz(program, (found[:6] + rest)[:MANY])


def _about_own(random: randoms.Random, told: list[Statement], values: Measured) -> Iterator[Asked]:
    run = values.run("quiz")
    events = [e for e in run.trace.events() if e.phase == "main" and measure.is_call(e)]
    calls = [one for one in told if one.kind != "t"]
    made: dict[int | None, list[str]]
    made = {e.cause: [] for e in run.trace.events() if measure.is_syscall(e)}
    for event in run.trace.events():
        if measure.is_syscall(event) and event.cause is not None:
            made[event.cause].append(event.name)
    rows = [(told.index(one) + 1, one, event) for one, event in zip(calls, events)]
    reached = [row for row in rows if made.get(row[2].seq)]
    yield _number("How many calls to the allocator does this program make in main?", len(events))
    yield _number("How many of the calls in main reach the kernel?", len(reached))
    if reached:
        which = reached[0][0]
        yield _number("Which statement is the first that reaches the kernel?", which)
    line, one, event = random.choice(rows[1:])
    names = sorted(set(made.get(event.seq, ())))
    told_names = " and ".join(names) if names else "none"
    choices = sorted({"none", "brk", "mmap", "munmap", told_names})
    text = "Which system calls about memory does statement %d make: %s"
    yield Asked(text % (line, one.text), told_names, choices)
    left = values.lookup("yours_left")
    yield _number("How many bytes of its own has the program not freed at the end?", left)
    blocks = values.lookup("yours_left_blocks")
    yield _number("How many blocks of its own has it not freed at the end?", blocks)
    for line, one, event in rows:
        if one.kind == "r":
            moved = "it moved" if event.result != event.ptr else "it stayed where it was"
            text = "Does the block of statement %d move: %s" % (line, one.text)
            yield Asked(text, moved, ["it moved", "it stayed where it was"])
            break
    stop = random.randint(
        min(4, len(rows) - 1), len(rows) - 1
    )  # not the end, which is asked about above
    yield _number(
        "How many bytes of the program's own are live after statement %d?" % rows[stop - 1][0],
        _live_after([event for _, _, event in rows[:stop]]),
    )
    yield _number(
        "How many calls come before main, from the first instruction on?",
        values.lookup("before_main"),
    )


def _live_after(events: Iterable[Event]) -> int:
    live: dict[int | None, int] = {}
    for event in events:
        if measure.hands_out(event):
            live[event.block] = measure.bytes_asked(event)
        elif measure.frees(event):
            live.pop(event.block, None)
    return sum(live.values())


def _number(text: str, value: object) -> Asked:
    return Asked(text, places.told(value))


_KINDS = ("who", "when", "for", "kernel")


def _about_others(random: randoms.Random, traces: list[str], many: int) -> list[Asked]:
    """Questions about events of runs, each about another event; where there are no runs, none."""
    found: list[Asked] = []
    told: set[tuple[str, str]] = set()
    kinds: list[str] = []
    for _ in range(many * 20):
        if not traces or len(found) == many:
            break
        path = random.choice(sorted(traces))
        kinds = kinds or random.sample(_KINDS, len(_KINDS))
        run = measured.OfRun(path, library.common())
        try:
            one = _about_event(random, run, os.path.basename(path), kinds[-1], told)
        except (measured.Unmeasured, LookupError):
            traces = [other for other in traces if other != path]
            continue
        finally:
            run.close()
        kind = kinds.pop()
        if one is None:
            kinds.insert(0, kind)
        else:
            found.append(one)
    return found


def _about_event(
    random: randoms.Random, run: OfRun, name: str, kind: str, told: set[tuple[str, str]]
) -> Asked | None:
    """Of a random call of a run: who, when, what for, or whether it reached the kernel. None where
    it is in `told`, what is asked about already, or where its question would tell its answer."""
    if (run.trace.run.get("events") or 0) > MOST_EVENTS:
        raise measured.Unmeasured("too many events")
    calls = [e for e in run.trace.events() if measure.is_call(e) and e.name != "free"]
    event = random.choice(calls)  # IndexError, a LookupError, where there is none
    asked = visible(event_lines.asked(event))
    if (name, asked) in told or (name == OWN and kind == "kernel" and event.phase == "main"):
        return None
    where = "this program" if name == OWN else name
    what = "In the run of %s, event %d is %s. " % (where, event.seq, asked)
    if kind == "who":
        one = _chosen(what + "Who asked?", _WHO[measure.origin(event)], _WHO.values())
    elif kind == "when":
        one = _chosen(what + "When was that?", _PHASES[event.phase], _PHASES.values())
    elif kind == "for":
        purpose, offered = measure.purpose(event), _purposes(random, event, calls)
        if purpose is None or len(offered) < 2:
            return None
        one = _chosen(what + "What was it for?", purpose, offered)
    else:
        text = "select count(*) from events where kind = 'syscall' and cause = %d" % event.seq
        answer = "yes" if run.rows(text)[0][0] else "no"
        one = _chosen(what + "Did it reach the kernel?", answer, ["yes", "no"])
    told.add((name, asked))
    return one


def _purposes(random: randoms.Random, event: Event, calls: list[Event]) -> list[str]:
    """Four at most, the event's own among them, that differ in more than numbers: the question says
    its bytes."""
    own = measure.purpose(event)
    if own is None:
        return []
    others = {_wordy(text): text for text in sorted(map(measure.purpose, calls), key=str) if text}
    others.pop(_wordy(own), None)
    return sorted(random.sample(sorted(others.values()), min(3, len(others))) + [own])


def _wordy(text: str) -> str:
    return re.sub(r", \d.*|\d+", "", text)


def _chosen(text: str, answer: str, choices: Iterable[str]) -> Asked:
    return Asked(text, answer, list(choices))
