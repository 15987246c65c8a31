"""What each event of a run is for: as purpose.explain says, asked as seldom as can be.

Events of a group have stack, verdict and phase in common. A rule that rests on no more says the
same of all of them; one that rests on their sizes, the same of those of one size.
"""

from __future__ import annotations

from . import purpose
from .purpose_facts import AROUND, BEFORE, FACTS, LASTING, NULL, THING, rests_on
from .trace_schema import PRESENT, SIGNED_SIZE

_BLOCK, _ERRNO, _PTR = PRESENT["block"], PRESENT["errno"], PRESENT["ptr"]
_SIZES = PRESENT["size"] | PRESENT["nmemb"] | SIGNED_SIZE
_BY_STACK = {"inlining-known", "stack_user"}  # rest on more of a stack than who decided


class Explained:
    """`numbers`: for each event the number of its Purpose; `purposes`: those, 0 is unknown.

    `events`: few_events.FewEvents; `groups`: their GroupTable, with verdicts; `survey`: a
    purpose.Survey of them; `facts_of(image, phase, name)`: origin.Facts.
    """

    def __init__(self, events, groups, survey, facts_of):
        self._events, self._columns, self._groups = events, events.columns, groups
        self._survey, self._facts_of = survey, facts_of
        self._known, self.purposes = {}, []
        self._unknown = self._number(purpose.UNKNOWN)
        self._names, self._questions = {}, {}
        self.numbers = self._all()

    def _number(self, found):
        number = self._known.setdefault((found.text, found.rule), len(self.purposes))
        if number == len(self.purposes):
            self.purposes.append(found)
        return number

    def _all(self):
        """In the order of the events: what a block is was said when it was made."""
        columns, survey, found, last = self._columns, self._survey, [], {}
        things, before = survey.things, survey.before
        questions = self._questions_of_groups()
        keyed = self._images_of_blocks()
        rows = zip(columns["group"], columns["outer"], columns["present"], columns["block"])
        for index, (id_, outer, present, block) in enumerate(rows):
            if outer:  # a nested call is for what the call around it is for
                found.append(found[index - outer])
                continue
            key = None
            if present & _BLOCK and keyed[id_] is not None:
                key = keyed[id_], block
                if key in last:
                    before[index] = last[key]
                if not present & _ERRNO:  # else the block is as it was
                    last[key] = index
            question = questions[id_]
            number, thing = question.answer or self._ask(question, index, key)
            found.append(number)
            if thing is not None and key:
                things[key] = thing
        return found

    def _images_of_blocks(self):
        """By id of a group: the image in which its calls' blocks are; None of syscalls."""
        of_what = [what[5] if what[0] == "call" else None for what in self._groups.whats]
        return [None, *map(of_what.__getitem__, self._groups.what)]

    def _questions_of_groups(self):
        """By id of a group."""
        group_of, found = self._columns["group"], [None] * (len(self._groups) + 1)
        for index in range(len(group_of) - 1, -1, -1):
            found[group_of[index]] = index
        nothing = _Question((), set(), (self._unknown, None))
        for id_, index in enumerate(found):
            if index is not None:
                found[id_] = self._question(id_ - 1, index) or nothing
        return found

    def _question(self, at, index):
        """Of the events of a group, of which events[index] is the first; None: no rule fits."""
        groups, survey = self._groups, self._survey
        kind, name, _, _, phase, image = groups.whats[groups.what[at]]
        stack, within, verdict = groups.stack[at], groups.within[at], groups.verdict[at]
        if within and kind == "call":
            return None
        facts, linked = self._facts_of(image, phase, name), ""
        if facts.libc == "static":
            linked = survey.libc_of(facts, stack, *purpose.stack_around(groups, within))
        rules = purpose.fitting_stack(survey, name, kind, stack, facts, linked)
        if not rules:
            return None
        asked = self._names.get(id(rules))
        if asked is None:
            names = {name for rule in rules for name in (*rule.fields, *rule.when)}
            asked = self._names[id(rules)] = names
        decided = "asker" in asked and survey.decided(stack, groups.verdicts[verdict])
        whole = not _BY_STACK.isdisjoint(asked) and survey.tree.node(stack)
        key = id(rules), name == "free", verdict, phase, _call_around(groups, within)
        key += (id(decided), whole)
        if key not in self._questions:
            self._questions[key] = self._new_question(rules, index, name == "free")
        return self._questions[key]

    def _new_question(self, rules, index, is_free):
        """Only rules that may hold; behind one that does for all of them, none is asked."""
        event, survey, may_hold, differ = self._events[index], self._survey, [], set()
        for rule in rules:
            if not purpose.suits(rule, survey, event) or not _lasts(rule, survey, index, event):
                continue
            rests = rests_on(rule)
            if rests:
                may_hold.append(rule)
                differ |= rests
            elif purpose.by_rules((rule,), index, event, survey)[0] is not purpose.UNKNOWN:
                may_hold.append(rule)
                break
        made = _Question(may_hold, differ)
        made.remembers = not is_free
        if not differ:
            made.answer = self._answer(made, index)
        return made

    def _ask(self, question, index, key):
        if AROUND in question.differ:
            return self._answer(question, index)
        values = self._values(question.differ, index, key)
        if values not in question.known:
            question.known[values] = self._answer(question, index)
        return question.known[values]

    def _answer(self, question, index):
        """(number of the Purpose, what the block is from then on or None)."""
        event, survey = self._events[index], self._survey
        found, thing = purpose.by_rules(question.rules, index, event, survey)
        return self._number(found), thing if question.remembers else None

    def _values(self, differ, index, key):
        """What an answer rests on."""
        columns = self._columns
        size, nmemb, present = columns["size"], columns["nmemb"], columns["present"]
        before = self._survey.before.get(index) if BEFORE in differ else None
        return (
            (size[index], nmemb[index], present[index] & _SIZES) if "size" in differ else None,
            columns["args"][index] if "args" in differ else None,
            present[index] & _PTR and not columns["ptr"][index] if NULL in differ else None,
            self._survey.things.get(key) if THING in differ else None,
            None if before is None else (size[before], nmemb[before], present[before] & _SIZES),
        )


class _Question:
    """What the events of some groups are asked. `differ`: by what their answers do."""

    def __init__(self, rules, differ, answer=None):
        self.rules, self.differ, self.answer = rules, differ, answer
        self.remembers = False
        self.known = {}  # what they differ by -> answer


def _lasts(rule, survey, index, event):
    """Whether the facts and fields that all events of its group share let the rule hold."""
    for name in rule.when:
        wanted, name = not name.startswith("!"), name.lstrip("!")
        if name in LASTING and bool(FACTS[name](survey, index, event)) != wanted:
            return False
    return True


def _call_around(groups, within):
    """The name of the un-nested call around a group, or None."""
    name = None
    while within:
        name, within = groups.whats[groups.what[within - 1]][1], groups.within[within - 1]
    return name
