"""Groups that are split by purpose have the sums of their events; what is equal stays one."""

import random

import pytest

from alloctrace.history import groups, history
from alloctrace.model import Purpose
from alloctrace.purpose import shares, split
from alloctrace.spool import spool
from alloctrace.trace import trace
import made_chaos
import made_traces
from made_records import Made
from test_history_c import FIELDS, SUMS, convert, frames, tool  # noqa: F401

PURPOSES = [Purpose(), Purpose("a list", "list"), Purpose("a tree", "tree")]


def purposes(events, seed):
    """A number of PURPOSES for each event: by chance, but a nested call has its outer call's."""
    chance, found = random.Random(seed), []
    for event in events:
        own = chance.choice((0, 0, 0, 1, 2)) if event.stack % 2 else 0
        found.append(own if event.outer is None else found[event.outer])
    return found


def both(folder, seed):
    """(groups.Sums of events one by one, the History of C with its groups split)."""
    made = Made()
    made.records = made_chaos.records(seed, calm=True)
    made.call("malloc", 1, result=0x9000)  # an exec is complete when something follows it
    python, c, _ = convert(folder, made.records)
    numbers = purposes(python.events, seed)
    for event, number in zip(python.events, numbers):
        event.purpose = PURPOSES[number]
    c.packed.sums.groups.purposes = [None, *PURPOSES]
    split.by_purpose(c.packed, numbers)
    return python, groups.of_events(python.events), c


def sums(table, stack_of):
    """{what a group is, what for, and what it lies in: its sums}: those that are equal together."""
    keys, found = [None], {}
    for group in table:
        assert group.within < group.id
        what = (group.kind, group.name, group.impl, group.pid, group.phase, group.image)
        keys.append((what, stack_of(group), group.purpose.text, keys[group.within]))
        row = found.setdefault(keys[-1], [0] * len(SUMS) + [group.first_seq, group.first_t])
        for at, name in enumerate(SUMS):
            row[at] += getattr(group, name)
    return found


def test_their_sums_are_those_of_their_events(tmp_path):
    several = 0
    for seed in range(60):
        python, wanted, c = both(tmp_path, seed)
        found = sums(c.packed.sums.groups, lambda group: frames(c, group.stack))
        assert found == sums(wanted.groups, lambda group: frames(python, group.stack)), seed
        several += len(found) > len({(key[0], key[1], key[3]) for key in found})
        for event, same in zip(c.events, python.events):
            assert event.purpose.text == same.purpose.text
            assert [getattr(event, n) for n in FIELDS] == [getattr(same, n) for n in FIELDS]
    assert several > 50


def test_what_is_made_of_all_events_takes_a_byte_each(tmp_path):
    _, c, _ = convert(tmp_path, made_chaos.records(5, calm=True))
    columns = {id(column) for column in c.packed.events.columns.values()}
    rows, own = shares._Rows(c.packed), []
    for name, value in vars(rows).items():
        if id(value) not in columns and hasattr(value, "__len__") and len(value) == len(c.events):
            own.append(name)
            assert isinstance(value, bytes), name
    assert sorted(own) == ["frees", "handed", "kind"]


def test_twin_of_one_purpose_nothing_is_split(tmp_path):
    _, c, _ = convert(tmp_path, made_chaos.records(5, calm=True))
    groups_before, chunks = c.packed.sums.groups, list(c.packed.chunks)
    groups_before.purposes = [None, *PURPOSES]
    split.by_purpose(c.packed, [1] * len(c.events))
    assert c.packed.sums.groups is groups_before and c.packed.chunks == chunks
    assert {event.purpose.text for event in c.events} == {"a list"}


@pytest.mark.parametrize("many", [0, 1])
def test_just_below_and_above_the_limit_the_same_is_counted(tmp_path, monkeypatch, many):
    """A run of exactly so many events, and of one more."""
    _, few, path = convert(tmp_path, made_traces.made_records())
    monkeypatch.setattr("alloctrace.history.packed.MANY", len(few.events) - many)
    built = history.build(spool.read(path))
    assert built.has_many() == bool(many)
    trace.write(tmp_path / "trace", built, made_traces.symbolise(built), {})
    trace.write(tmp_path / "few", few, made_traces.symbolise(few), {})
    with trace.open(tmp_path / "trace") as a, trace.open(tmp_path / "few") as b:
        for one, other in zip(a.events(), b.events()):
            assert [getattr(one, n) for n in FIELDS] == [getattr(other, n) for n in FIELDS]
            assert one.verdict == other.verdict
        for name in SUMS:
            one, other = (sum(getattr(group, name) for group in t.sums().groups) for t in (a, b))
            assert one == other, name
