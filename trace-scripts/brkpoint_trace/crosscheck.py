"""All witnesses of one program, compared: events side by side, differences, explanations."""

from __future__ import annotations

import shutil
from collections import Counter

from alloctrace.elf.elf import ElfError

from . import compare, gather, replay, silence
from .events import Seen
from .rows import Rows, as_dict

EXAMPLES = 5  # of each kind of difference
RERUNS = 10  # of a witness, at most, to see whether the program does the same each time
# Differences in the nature of a witness: said with every page, counted where they can be.
NATURE = {
    "strace": "sees syscalls of every thread, and who made them only as a thread: no malloc",
    "ltrace": "sees calls of dynamic functions after the program's entry point: no loader, no"
    " static program, and a syscall only when asked (-S)",
    "gdb": "sees calls, syscalls, and which call made which; it stops the program each time",
    "maps": "sees what is mapped at a moment: also what the kernel mapped before the first"
    " instruction, and nothing that was given back in between",
}


def of(command, limit_s, path=None, **options):
    """The comparison that reports/witnesses.py renders; `path`: the file that is
    executed (default: as PATH finds it)."""
    path = path or shutil.which(command[0])
    found = watch(command, limit_s, path, **options)
    made = judge(found, rerun=rerunner(command, limit_s, found))
    made.update(command=list(command), limit_s=limit_s, nature=NATURE, silence=_silence(path))
    return made


def watch(command, limit_s, path, **options):
    """What all witnesses see of `command`, not yet compared: what `judge` takes."""
    found = gather.gather(command, limit_s, **options)
    found["hears"] = path is None or silence.hears_of_libraries(path)
    return found


def rerunner(command, limit_s, found):
    """A function that runs one witness once more and gives its events, or None."""

    def rerun(name):
        fixed = found["fixed_addresses"]
        about, seen = gather.one(name, command, limit_s, fixed, found["data"])
        return seen["events"] if about["state"] == "ok" else None

    return rerun


def _silence(path):
    if path is None:
        return None
    try:
        functions, advice = silence.of_file(path)
    except (ElfError, OSError) as error:
        return {"functions": [], "do": "", "error": str(error)}
    used = [f._asdict() for f in functions if f.shown or f.slots or "static" in f.why]
    return {"functions": used, "do": advice}


def judge(found, rerun=lambda name: None):
    """What `gather` found, compared. Pure but for `rerun(name)`, which runs a witness again."""
    data = found["data"]
    made = {"runs": found["runs"], "fixed_addresses": found["fixed_addresses"]}
    rows, differences = Rows(data.get("gdb")), []
    for name in ("strace", "ltrace"):
        if name in data and "gdb" in data:
            differences += _compared(name, data, rows, rerun, found.get("hears", True))
        elif name in data:
            rows.only(name, data[name]["events"])
    maps = _maps(data, found["fixed_addresses"], rows, rerun)
    differences += maps.pop("differences")
    made.update(rows=rows.as_dicts(), maps=maps, counts=_counts(data))
    made.update(differences=differences, same_addresses=rows.addresses)
    made["unexplained"] = sum(row["count"] for row in differences if not row["explained"])
    made["compared"] = [name for name in gather.NAMES if name in data]
    return made


def _compared(name, data, rows, rerun, hears):
    """Differences between gdb and strace or ltrace, and marks in the rows."""
    kind = "syscall" if name == "strace" else "call"
    all_ours = data["gdb"]["events"]
    places = [i for i, event in enumerate(all_ours) if event.kind == kind]
    ours, theirs = [all_ours[i] for i in places], data[name]["events"]
    cut_off = data.get("strace", {}).get("cut_off", ())
    if name == "strace":
        pairs, found = compare.syscalls(ours, theirs, cut_off)
    else:
        hooked = bool(data["gdb"]["run"].get("calls_hooked", True))
        pairs, found = compare.calls(ours, theirs, hooked, hears, cut_off)
    if compare.unexplained(found):
        found = _excused(name, rerun, found, ours, theirs)
    rows.mark(name, pairs, found, places, theirs)
    rows.addresses[name] = compare.same_addresses(ours, theirs, pairs)
    return _summed(name, found, ours, theirs) + _twice(name, data)


def _excused(name, rerun, found, ours, theirs):
    for again in _again(name, rerun):
        if again is None:
            continue
        found = compare.excuse(found, ours, theirs, again)
        if not compare.unexplained(found):
            break
    return found


def _again(name, rerun):
    """Yield what the witness sees when it is run again, at most RERUNS times."""
    for _ in range(RERUNS):
        yield rerun(name)


def _twice(name, data):
    if name != "ltrace" or not data["ltrace"].get("plt"):
        return []
    count = compare.plt_pairs(data["ltrace"]["events"], data["ltrace"]["plt"])
    row = _row(name, "twice", "twice", count, [])
    return [row] if count else []


def _summed(name, found, ours, theirs):
    groups = {}
    for difference in found:
        groups.setdefault((difference.what, difference.code or ""), []).append(difference)
    rows = []
    for (what, code), members in sorted(groups.items()):
        events = [ours[d.first] if d.what == "missing" else theirs[d.second] for d in members]
        rows.append(_row(name, what, code or None, len(members), events[:EXAMPLES]))
    return rows


def _row(name, what, code, count, events):
    return {
        "witness": name,
        "what": what,
        "code": code,
        "count": count,
        "explained": code is not None,
        "why": compare.WHY.get(code, code or ""),
        "examples": [as_dict(event) for event in events],
    }


def _maps(data, fixed, rows, rerun):
    """What /proc/PID/maps says beside the memory that the syscalls should have left."""
    made = {"differences": [], "compared": False}
    if "maps" not in data:
        return made
    start, end = data["maps"]["start"], data["maps"]["end"]
    made.update(start=_sizes(start), end=_sizes(end))
    source = next((name for name in ("strace", "gdb") if name in data), None)
    if source is None or not fixed:
        made["why_not"] = "addresses are random here" if source else "no list of syscalls"
        return made
    events = _last_image(data[source]["events"])
    expected = replay.replay(start, events)
    lacking, more = replay.differences(expected, end)
    made.update(compared=True, source=source)
    if "gdb" in data:
        _mark_left(rows, start)
    code = _changes(source, rerun, start, expected) if lacking or more else None
    made["differences"] = _ranges("missing", lacking, end, code) + _ranges("extra", more, end, code)
    return made


def _changes(source, rerun, start, expected):
    """`changing` where another run of the witness leaves other memory behind, else None."""
    for again in _again(source, rerun):
        if again is None:
            continue
        other = replay.replay(start, _last_image(again))
        if replay.merged(other) != replay.merged(expected):
            return "changing"
    return None


def _last_image(events):
    """The syscalls of the last program that ran, in order."""
    last = max((event.image for event in events), default=0)
    return [e for e in events if e.kind == "syscall" and e.image == last]


def _mark_left(rows, start):
    """How many bytes of each of gdb's mappings are still there at the end."""
    mine = rows.at("syscall")
    last = max((row["event"].image for row in mine), default=0)
    mine = [row for row in mine if row["event"].image == last]
    left = Counter()
    for piece in replay.replay(start, [row["event"] for row in mine]):
        if piece.by is not None:
            left[piece.by] += piece.end - piece.start
    for index, row in enumerate(mine):
        event = row["event"]
        if event.name in ("mmap", "mremap", "brk") and (event.size or 0) > 0 and not event.errno:
            asked = event.args.get("new_size") or event.size
            row["seen"]["maps"] = _how_much(left[index], asked)


def _how_much(left, asked):
    if not left:
        return "gone"
    return "there" if left >= asked else "in part"


def _ranges(what, ranges, mappings, code):
    """Ranges of memory as differences; System V shared memory has no mmap."""
    groups = {}
    for start, end, perms in ranges:
        over = [m for m in mappings if m.start < end and m.end > start]
        shared = bool(over) and all(m.path.startswith(b"/SYSV") for m in over)
        event = Seen("mapping", perms, size=end - start, ptr=start)
        groups.setdefault("shared memory" if shared else code, []).append(event)
    return [
        _row("maps", what, why, len(found), found[:EXAMPLES])
        for why, found in sorted(groups.items(), key=lambda row: row[0] or "")
    ]


def _sizes(mappings):
    """{"mappings": N, "bytes": N, "files": [[name, bytes]]}; the largest first."""
    by_path = Counter()
    for mapping in mappings:
        path = mapping.path.decode("utf-8", "surrogateescape")
        by_path[path] += mapping.end - mapping.start
    files = sorted(by_path.items(), key=lambda row: (-row[1], row[0]))
    return {"mappings": len(mappings), "bytes": sum(by_path.values()), "files": files}


def _counts(data):
    """{witness: {kind and name: count}}."""
    found = {}
    for name in ("gdb", "strace", "ltrace"):
        if name in data:
            counts = Counter((e.kind, e.name) for e in data[name]["events"])
            found[name] = [[*words, number] for words, number in sorted(counts.items())]
    return found
