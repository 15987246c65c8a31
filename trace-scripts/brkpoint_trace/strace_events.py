"""From strace's records to what this project counts: memory syscalls, by task and by program."""

from __future__ import annotations

from collections import Counter, namedtuple

from alloctrace import words

from .events import Seen, in_order
from .log_text import number

NAMES = words.SYSCALL_NAMES
_ALIASES = {"pkey_mprotect": "mprotect"}
MAKERS = ("clone", "clone3", "fork", "vfork")
ENDERS = ("exit", "exit_group", "execve", "execveat")  # with these a thread goes by itself
TRACED = NAMES + tuple(_ALIASES) + MAKERS + ENDERS
# threads: tids of the first process, in the order of their making; children: {tid} of processes
# that it made.
Tasks = namedtuple("Tasks", "threads children")


def tasks(records):
    """Who is a thread of the first process, and who belongs to a process of its own."""
    if not records:
        return Tasks((), set())
    made = _makers(records)
    threads, wanted = set(), [records[0].tid]
    while wanted:
        tid = wanted.pop()
        threads.add(tid)
        wanted += [new for new, is_thread in made.get(tid, ()) if is_thread and new not in threads]
    own = [records[0].tid, *threads]
    return Tasks(tuple(in_order(own)), {record.tid for record in records} - threads)


def _makers(records):
    """{tid: [(tid of what it made, whether that is a thread)]}.

    Of a clone that an exec of the new thread has cut off no return is in the log: it made the next
    task whose maker is not known.
    """
    made, open_, known = {}, [], {records[0].tid}
    for record in records:
        if record.tid not in known and open_:
            maker, thread = open_.pop(0)
            made.setdefault(maker, []).append((record.tid, thread))
        known.add(record.tid)
        if record.kind != "call" or record.name not in MAKERS:
            continue
        thread = any("CLONE_THREAD" in arg for arg in record.args)
        if record.result is None:
            open_.append((record.tid, thread))
        elif record.result > 0:
            known.add(record.result)
            made.setdefault(record.tid, []).append((record.result, thread))
    return made


def executions(records):
    """How many programs the first process ran: each successful execve replaces one."""
    mine = set(tasks(records).threads)
    return sum(_replaces(record) and record.tid in mine for record in records)


def _replaces(record):
    return record.kind == "call" and record.name.startswith("execve") and record.result == 0


def cut_off(records):
    """{(image, task)} of the threads that another thread's exec, exit or death has ended.

    How far such a thread has come by then is chance. A program's only thread is never one of them.
    """
    order = {tid: index for index, tid in enumerate(tasks(records).threads)}
    seen, gone, superseded, image = set(), set(), set(), -1
    for record in (r for r in records if r.tid in order):
        here = (max(image, 0), order[record.tid])
        seen.add(here)
        if record.kind == "superseded":
            superseded.add(here)
        elif record.kind == "call" and record.name in ENDERS and not record.result:
            gone.add(here)
        image += _replaces(record)
    several = {i for i, _ in seen if sum(other == i for other, _ in seen) > 1}
    return {group for group in (seen - gone) | superseded if group[0] in several}


def name_of(record):
    """As brkpoint names it: pkey_mprotect is mprotect, with a key."""
    return _ALIASES.get(record.name, record.name)


def memory(records):
    """[Seen] of the memory syscalls of the first process; what it ran first was strace's exec."""
    order = {tid: index for index, tid in enumerate(tasks(records).threads)}
    found, image, brk = [], -1, None
    for record in records:
        if record.tid not in order:
            continue
        if _replaces(record):
            image, brk = image + 1, None
        elif record.kind == "call" and name_of(record) in NAMES:
            event, brk = _seen(record, brk)
            event.task, event.image = order[record.tid], max(image, 0)
            found.append(event)
    return found


def _seen(record, brk):
    """(Seen, where the break is now)"""
    values = [number(text) for text in record.args] + [None] * 6
    event = Seen(
        "syscall", name_of(record), ptr=values[0], result=record.result, errno=record.errno
    )
    event.text = record.text
    if record.name == "brk":
        return _moved(event, brk)
    event.size = values[1]
    if record.name == "mremap":
        event.args["new_size"] = values[2]
    elif record.name == "mmap":
        flags = record.args[3] if len(record.args) > 3 else ""
        event.args.update(prot=record.args[2:3], flags=flags, fd=values[4], offset=values[5])
    elif event.name == "mprotect":
        event.args["prot"] = record.args[2:3]
    if "prot" in event.args:
        event.args["prot"] = "".join(event.args["prot"])
    return event, brk


def _moved(event, brk):
    """As history/syscalls.py has it: a query moves nothing, the first break is where it is."""
    if event.result is None:
        return event, brk
    if not event.ptr or brk is None:
        event.size = 0 if not event.ptr else None
    else:
        event.size = event.result - brk
    return event, event.result


def count(records):
    """{"process": Counter, "threads": {index: Counter}, "children": Counter, …} by name."""
    mine, children = {}, Counter()
    order = {tid: index for index, tid in enumerate(tasks(records).threads)}
    failed = Counter()
    for record in records:
        if record.kind != "call" or name_of(record) not in NAMES:
            continue
        if record.tid in order:
            mine.setdefault(order[record.tid], Counter())[name_of(record)] += 1
            failed[name_of(record)] += record.errno is not None
        else:
            children[name_of(record)] += 1
    total = sum(mine.values(), Counter())
    return {"process": total, "threads": mine, "children": children, "failed": +failed}


def unreturned(records):
    """Memory syscalls whose return is not in the log: the program ended, or the log was cut."""
    return [r for r in records if r.kind == "call" and r.name in NAMES and r.result is None]


def ending(records):
    """("exited", status) or ("signalled", name) of the first process, or ("unknown", None)."""
    first = records[0].tid if records else None
    for record in reversed(records):
        if record.tid == first and record.kind == "exit":
            return "exited", record.result
        if record.tid == first and record.kind == "killed":
            return "signalled", record.name
    return "unknown", None
