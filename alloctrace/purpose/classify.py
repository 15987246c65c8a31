"""Gives every event its origin and its purpose: the one place where both are asked for."""

from __future__ import annotations

from array import array
from itertools import compress, count
from operator import not_

from alloctrace.stacks.tree import StackTree
from . import events as purpose_events, examples, groups as purpose_groups, judging, purpose
from . import questions as purpose_questions, rules as purpose_rules, split
from .asker import Asker, needed
from .facts import AROUND, THING
from .inner_verdicts import InnerVerdicts
from .judging import Judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.history import History
    from alloctrace.history.packed import PackedHistory
    from alloctrace.model import Frame, Group, Purpose
    from .examples import Examples
    from .groups import ByMakers, Things
    from .judging import Programs
    from .questions import Questions
    from .survey import Survey

MAX_ASKED = 20000  # groups of which each one's purpose is asked for by an example
ROUNDS = 2  # a block may go on to a group that began before the one that it comes from


def prepare() -> None:
    """Read the tables that `classify` will need: for who has time to spare before."""
    judging.prepare()
    purpose_rules.default()


def classify(history: History, stacks: Mapping[int, Sequence[Frame]]) -> None:
    """Set `verdict` and `purpose` of history.events. `stacks`: a StackTree, or {id: (Frame, …)}.

    What lies inside a call, a nested call or a memory syscall, has the call's verdict.
    A recorder's groups are asked for once; of many events also what they are for.
    """
    tree = StackTree.of(stacks)
    if history.packed is not None:
        explain(history, tree, judging.judge(history, tree))
        return
    _classify_events(history, tree, Judge(history, tree))


def explain(history: History, tree: StackTree, programs: Programs) -> None:
    """Set what for, of all groups of a recorder's history that have verdicts: at once, or when its
    trace is read. Of a history its modules, packed and events are asked."""
    packed, made = history.packed, Judge(history, tree, programs)
    assert packed is not None
    of = _explain_groups if history.has_many() else _explain_events
    of(history, packed, tree, made)


def _classify_events(history: History, tree: StackTree, judge: Judge) -> None:
    inner = InnerVerdicts(tree)
    for event in history.events:
        within = event.cause if event.kind == "syscall" else event.outer
        outer = history.events[within] if within is not None else None
        if outer is None:
            event.verdict = judge.verdict(event)
        else:
            nodes = tree.node(outer.stack), tree.node(event.stack)
            assert outer.verdict is not None  # it is an older one
            event.verdict = inner.of(outer.verdict, *nodes)
    judge.keep()
    survey = purpose.Survey(history.events, tree, history.modules, judge.facts)
    for index, event in enumerate(history.events):
        event.purpose = purpose.explain(index, history.events, tree, survey)


def _explain_events(history: History, packed: PackedHistory, tree: StackTree, judge: Judge) -> None:
    """Each event; a group whose events are for several things becomes several."""
    groups, events = packed.sums.groups, history.events
    survey = purpose.Survey(events, tree, history.modules, judge.facts)
    survey.before = {}
    explained = purpose_events.Explained(events, groups, survey, judge.facts_of)
    groups.purposes = [None, *explained.purposes]
    groups.forget_members()
    split.by_purpose(packed, explained.numbers)


def _explain_groups(history: History, packed: PackedHistory, tree: StackTree, judge: Judge) -> None:
    """What can be said of all events of a group at once is; of the others the most telling and
    the frequent ones are asked by some of their events."""
    groups = packed.sums.groups
    survey = purpose.Survey([], tree, history.modules, judge.facts)
    questions = purpose_questions.of_groups(groups, survey, judge.facts_of)
    things = purpose_groups.Things(questions)
    made = purpose_groups.ByMakers(groups, questions, things, survey)
    asked = groups.most_telling(MAX_ASKED, _open(questions, made))
    picked = examples.of(packed, _with_makers(groups, asked, questions))
    survey.events, survey.part = picked.events, picked
    open_ = [at for at in asked if not questions[at + 1].is_closed]
    briefs = purpose_groups.briefs(groups, open_)
    found = _explained(briefs, groups, picked, questions, survey, things)
    _set_purposes(groups, questions, made, found)
    groups.forget_members()


def _open(questions: Questions, made: ByMakers) -> list[int]:
    """Indexes of the groups that are to be asked by their events: all syscalls, and calls that have
    no answer yet."""
    is_call, known = questions.is_call, questions.known
    states = [
        is_call[at] + (is_call[at] and question.is_closed) for at, question in enumerate(known)
    ]
    rows = enumerate(zip(map(states.__getitem__, questions.numbers), made.numbers), -1)
    return [at for at, (state, by_makers) in rows if not state or (state == 1 and not by_makers)]


def _set_purposes(
    groups: GroupTable, questions: Questions, made: ByMakers, found: dict[int, Purpose]
) -> None:
    """`found`: by id, of groups that were asked by their events. Equal ones become one, numbered in
    the order of the groups."""
    known: list[Purpose | None] = [None]
    same: dict[tuple[str | None, str], int] = {}

    def number(answer: Purpose) -> int:
        at = same.setdefault((answer.text, answer.rule), len(known))
        if at == len(known):
            known.append(answer)
        return at

    unknown = number(purpose.UNKNOWN)
    own = array("I", map([0, *map(number, made.purposes[1:])].__getitem__, made.numbers))
    for id_, answer in found.items():
        own[id_] = number(answer)
    said = [number(question.answer[0]) if question.answer else 0 for question in questions.known]
    told = [said[at] or mine or unknown for at, mine in zip(questions.numbers, own)]
    for id_ in compress(count(), map(not_, questions.numbers)):
        if id_:  # a nested call is for what the call around it is for
            told[id_] = told[groups.within[id_ - 1]]
    del told[0]
    ranks = {at: rank for rank, at in enumerate(dict.fromkeys(told), 1)}
    groups.purpose = array("I", map(ranks.__getitem__, told))
    groups.purposes = [None, *map(known.__getitem__, ranks)]


def _with_makers(groups: GroupTable, asked: list[int], questions: Questions) -> list[int]:
    """These indexes of groups with those of the ones that made the blocks of their events, if that
    decides what they are for; where some have too many makers to be told, of the most telling."""
    rests = [THING in question.differ for question in questions.known]
    wanted = set(asked)
    for at in asked:
        members = groups.members_of(at + 1) if rests[questions.numbers[at + 1]] else None
        if members is not None:
            if members.makers is None:
                wanted.update(groups.most_telling(MAX_ASKED, list(range(len(groups)))))
                break
            wanted.update(id_ - 1 for id_ in members.makers)
    return sorted(wanted)


def _explained(
    asked: list[Group],
    groups: GroupTable,
    picked: Examples,
    questions: Questions,
    survey: Survey,
    things: Things,
) -> dict[int, Purpose]:
    """{id: Purpose}: a group whose events are all here is for what each of them is for; of others
    it is asked what holds for all that they differ in."""
    whole = [group for group in asked if _is_whole(group, picked, questions)]
    found = _explain_whole(whole, picked, questions, survey, things)
    example = picked.example
    open_ = [
        (group.id, groups.members_of(group.id))
        for group in asked
        if group.id in example and found.get(group.id) in (None, purpose.UNKNOWN)
    ]
    known: dict[int, set[str]] = {}
    # id -> what its blocks were when it was asked about: all that a round may change
    for _ in range(ROUNDS):
        for id_, members in open_:
            if found.get(id_) in (None, purpose.UNKNOWN):
                before = things.before(members)
                if known.get(id_) != before:
                    known[id_] = before
                    index = example[id_]
                    found[id_] = purpose_groups.explain(
                        id_,
                        members,
                        questions[id_].rules,
                        (survey, index, picked.events[index]),
                        things,
                    )
    return found


def _is_whole(group: Group, picked: Examples, questions: Questions) -> bool:
    """Whether its events can be asked one by one."""
    if not picked.are_all(group):
        return False
    return AROUND not in questions[group.id].differ or picked.have_neighbours(group)


def _explain_whole(
    groups: list[Group],
    picked: Examples,
    questions: Questions,
    survey: Survey,
    things: Things,
) -> dict[int, Purpose]:
    columns, number_of = picked.events.columns, questions.numbers
    members = {index for group in groups for index in picked.members[group.id]}
    wanted = needed(members, columns, survey)
    group_of, block = columns["group"], columns["block"]
    blocks = {block[at] for at in wanted}
    names_thing = [bool(q.answer and q.answer[1] is not None) for q in questions.known]
    alike = [at for at, number in enumerate(block) if number in blocks]
    # Of these it is known already what their block is from then on.
    named = [at for at in alike if names_thing[number_of[group_of[at]]]]
    asker = Asker(picked, survey)
    seen: dict[int, str | None] = {}  # by index: what the event's block was then
    for index in sorted(wanted.union(named)):
        asker.ask(questions[group_of[index]], index)
        if index in members:
            seen[index] = asker.thing(index)
    found: dict[int, Purpose] = {}
    for group in groups:
        mine = picked.members[group.id]
        found[group.id] = purpose_groups.agreed([asker.said[index] for index in mine])
        things.remember(group.id, {seen[index] for index in mine})
    return found
