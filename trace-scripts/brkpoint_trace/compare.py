"""What two witnesses do not share, and which rule explains it. Pure.

Every difference gets one code of WHY or none; one without a code is unexplained, and cross-check
fails. A rule needs evidence in the events or in the files: none says "tools differ".
"""

from __future__ import annotations

from collections import Counter, namedtuple

from alloctrace import allocators

from .align import align
from .events import key

# what: `missing` (only the first has it) or `extra` (only the second). first, second: indices.
Difference = namedtuple("Difference", "what first second code")

WHY = {
    "loader": "ltrace never sees the dynamic loader: it sets its breakpoints when the libraries are"
    " there, and the loader's own malloc has no dynamic symbol",
    "other name": "ltrace was asked for libc's functions: this one has another name",
    "early": "ltrace sets its breakpoints at the program's entry point: an initialiser of a"
    " library, or what chooses a function (IFUNC), has run before it",
    "unheard": "ltrace never hears of the libraries: the program that was started is the loader"
    " itself, which has no DT_DEBUG entry to tell it",
    "twice": "ltrace shows it twice: once at the caller's PLT, once at the function itself",
    "phantom": "one call that enters the function twice: libc's first call goes through a hook"
    " that jumps back to its start (malloc_hook_ini, glibc before 2.34)",
    "threads": "ltrace loses calls when several threads pass its breakpoints",
    "order": "the same events, spread over the threads in another way: which thread came first is"
    " chance",
    "cut off": "another thread's exec or exit has ended this thread: how far it had come is chance",
    "unhooked": "brkpoint cannot see calls here: the program has no symbols for them",
    "shared memory": "System V shared memory is mapped by shmat, which nobody here counts",
    "changing": "the program does not do the same twice: the same witness, run again, saw other"
    " events too",
}


def syscalls(gdb, strace, cut_off=()):
    """([(index in gdb, index in strace)], [Difference]) of two lists of memory syscalls.

    `cut_off`: {(image, task)} of the threads that others have ended.
    """
    pairs = list(align(gdb, strace))
    return pairs, _spread(gdb, strace, _tails(gdb, strace, pairs, _raw(pairs), cut_off))


def calls(gdb, ltrace, hooked=True, hears=True, cut_off=()):
    """The same for allocator calls; `hooked`: whether brkpoint could watch them; `hears`: whether
    ltrace could learn of the libraries."""
    pairs = list(align(gdb, ltrace))
    found = [_call(gdb, ltrace, hooked, difference) for difference in _raw(pairs)]
    found = _tails(gdb, ltrace, pairs, found, cut_off)
    if not hears and not ltrace:
        found = [d._replace(code="unheard") if _is_open(d) else d for d in found]
    found = _spread(gdb, ltrace, found)
    return pairs, _lost(gdb, ltrace, found)


def _raw(pairs):
    return [
        Difference("missing" if second is None else "extra", first, second, None)
        for first, second in pairs
        if first is None or second is None
    ]


def _call(gdb, ltrace, hooked, difference):
    if difference.what == "missing" and gdb[difference.first].private:
        return difference._replace(code="loader")
    if difference.what == "missing" and allocators.is_other(gdb[difference.first].impl):
        return difference._replace(code="other name")
    if difference.what == "missing" and gdb[difference.first].early:
        return difference._replace(code="early")
    if difference.what == "extra" and not hooked:
        return difference._replace(code="unhooked")
    if difference.what == "extra" and _is_phantom(ltrace, difference.second):
        return difference._replace(code="phantom")
    return difference


def _tails(first, second, pairs, found, cut_off):
    """Mark as `cut off` what one of the two saw of such a thread after its last common event."""
    tails = set()
    for group in cut_off:
        tails |= _tail([pair for pair in pairs if _group(first, second, pair) == group])
    return [
        d._replace(code="cut off") if d.code is None and (d.first, d.second) in tails else d
        for d in found
    ]


def _group(first, second, pair):
    event = first[pair[0]] if pair[0] is not None else second[pair[1]]
    return event.image, event.task


def _tail(pairs):
    """The pairs after the last whole one, if all of them lack the same side; else none."""
    tail = []
    for pair in reversed(pairs):
        if None not in pair:
            break
        tail.append(pair)
    sides = {pair[0] is None for pair in tail}
    return set(tail) if len(sides) == 1 else set()


def _is_threaded(first, second):
    return len({e.task for e in first} | {e.task for e in second}) > 1


def _is_open(difference):
    return difference.what == "missing" and difference.code is None


def _is_phantom(ltrace, index):
    """Whether the entry before it on its thread was the same call, that returned the same."""
    event = ltrace[index]
    before = [e for e in ltrace[max(0, index - 8) : index] if e.task == event.task][-1:]
    same = bool(before) and key(before[0]) == key(event) and before[0].ptr == event.ptr
    return same and event.result not in (None, 0) and before[0].result == event.result


def _spread(gdb, other, found):
    """Mark pairs of a missing and an extra one that are equal but for thread and place."""
    rest = [d for d in found if d.code is None]
    missing = Counter(key(gdb[d.first]) for d in rest if d.what == "missing")
    extra = Counter(key(other[d.second]) for d in rest if d.what == "extra")
    both = missing & extra if _is_threaded(gdb, other) else Counter()
    left = {"missing": Counter(both), "extra": Counter(both)}
    return [_take(d, gdb, other, left, "order") for d in found]


def _take(difference, gdb, other, left, code):
    if difference.code is not None:
        return difference
    mine = gdb[difference.first] if difference.what == "missing" else other[difference.second]
    budget = left[difference.what]
    if not budget[key(mine)]:
        return difference
    budget[key(mine)] -= 1
    return difference._replace(code=code)


def _lost(gdb, ltrace, found):
    """With several threads, and nothing that only ltrace saw: what it lacks it lost."""
    if not _is_threaded(gdb, ltrace) or any(d.what == "extra" and d.code is None for d in found):
        return found
    return [d._replace(code="threads") if d.code is None else d for d in found]


def unexplained(differences):
    return [difference for difference in differences if difference.code is None]


def excuse(differences, first, second, again):
    """Give `changing` to what also differs between two runs of one witness.

    `second` and `again`: [Seen] of that witness, run twice. Excused is a difference in an event
    that the two runs do not share, and, where they differ at all, one of order only. Of a program
    with threads also one in an event whose name the two runs do not share: where chance decides
    which arena a thread gets, the sizes are chance too.
    """
    changed, names = set(), set()
    for one, other in align(second, again):
        if one is None or other is None:
            event = second[one] if one is not None else again[other]
            changed.add(key(event))
            names.add(event.name)
    if not changed:
        return differences
    moved = _balanced(differences, first, second)
    if _is_threaded(first, second):
        moved |= {key(event) for event in [*first, *second] if event.name in names}
    return [
        d._replace(code="changing") if d.code is None and _key(d, first, second) in changed | moved
        else d
        for d in differences
    ]  # fmt: skip


def _balanced(differences, first, second):
    """Keys that are missing as often as they are extra."""
    sums = Counter()
    for d in unexplained(differences):
        sums[_key(d, first, second)] += 1 if d.what == "missing" else -1
    return {name for name, balance in sums.items() if not balance}


def _key(difference, first, second):
    return key(
        first[difference.first] if difference.what == "missing" else second[difference.second]
    )


def plt_pairs(entries, plt):
    """How many calls in PLTs (`plt`) are also there as an entry (`entries`), by name and size."""
    return sum((Counter(map(key, entries)) & Counter(map(key, plt))).values())


def same_addresses(first, second, pairs):
    """(how many matched pairs came back with the same result, of how many that came back)."""
    results = [
        (first[i].result, second[j].result)
        for i, j in pairs
        if i is not None and j is not None and None not in (first[i].result, second[j].result)
    ]
    return sum(one == other for one, other in results), len(results)
