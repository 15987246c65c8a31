"""What must be mapped at the end: the kernel's mappings at the start, and every syscall since."""

from __future__ import annotations

from collections import namedtuple

PAGE = 4096  # x86-64
# Pages [start, end) whose protection is `perms` ("rw-"); `by`: index of the syscall, None: kernel.
Range = namedtuple("Range", "start end perms by")
_PROT = (("PROT_READ", "r"), ("PROT_WRITE", "w"), ("PROT_EXEC", "x"))


def replay(mappings, events):
    """[Range], lowest first: `mappings` at the first instruction changed by `events` ([Seen])."""
    memory = [Range(m.start, m.end, m.perms[:3], None) for m in mappings if m.path != b"[vsyscall]"]
    brk = None
    for index, event in enumerate(events):
        if event.name == "brk":
            memory, brk = _brk(memory, event, brk, index)
        elif event.errno is None and event.result is not None:
            memory = _CHANGES.get(event.name, _none)(memory, event, index)
    return sorted(memory)


def _up(value):
    return -(-value // PAGE) * PAGE


def _cut(memory, start, end):
    """(what lies outside [start, end), what lies inside)."""
    outside, inside = [], []
    for piece in memory:
        if piece.end <= start or piece.start >= end:
            outside.append(piece)
            continue
        if piece.start < start:
            outside.append(piece._replace(end=start))
        if piece.end > end:
            outside.append(piece._replace(start=end))
        inside.append(piece._replace(start=max(piece.start, start), end=min(piece.end, end)))
    return outside, inside


def _none(memory, _event, _index):
    return memory


def _mmap(memory, event, index):
    start, end = event.result, event.result + _up(event.size or 0)
    outside, _ = _cut(memory, start, end)
    return outside + [Range(start, end, perms(event.args.get("prot")), index)]


def _munmap(memory, event, _index):
    return _cut(memory, event.ptr, event.ptr + _up(event.size or 0))[0]


def _mprotect(memory, event, _index):
    outside, inside = _cut(memory, event.ptr, event.ptr + _up(event.size or 0))
    wanted = perms(event.args.get("prot"))
    return outside + [piece._replace(perms=wanted) for piece in inside]


def _mremap(memory, event, index):
    outside, inside = _cut(memory, event.ptr, event.ptr + _up(event.size or 0))
    old = inside[0].perms if inside else "rw-"
    end = event.result + _up(event.args.get("new_size") or 0)
    return _cut(outside, event.result, end)[0] + [Range(event.result, end, old, index)]


def _brk(memory, event, brk, index):
    """The heap lies between the first break that was told and the last."""
    if event.result is None or brk is None:
        return memory, event.result
    old, new = _up(brk), _up(event.result)
    if new > old:
        memory = memory + [Range(old, new, "rw-", index)]
    elif new < old:
        memory = _cut(memory, new, old)[0]
    return memory, event.result


_CHANGES = {"mmap": _mmap, "munmap": _munmap, "mprotect": _mprotect, "mremap": _mremap}


def perms(prot):
    """`rw-` of `PROT_READ|PROT_WRITE`."""
    words = (prot or "").split("|")
    return "".join(letter if name in words else "-" for name, letter in _PROT)


def merged(ranges):
    """Neighbours of one protection joined: [(start, end, perms)]."""
    found = []
    for start, end, kind, *_ in sorted(ranges):
        if found and found[-1][1] == start and found[-1][2] == kind:
            found[-1] = (found[-1][0], end, kind)
        else:
            found.append((start, end, kind))
    return found


def differences(expected, mappings):
    """(what only the replay has, what only maps has), each [(start, end, perms)].

    `mappings` at the end; the stack is left out of both: the kernel lets it grow by itself.
    """
    stack = [(m.start, m.end) for m in mappings if m.path == b"[stack]"]
    real = [(m.start, m.end, m.perms[:3]) for m in mappings if m.path != b"[vsyscall]"]
    ours = [piece[:3] for piece in expected]
    for start, end in stack:
        ours = [p[:3] for p in _cut([Range(*p, None) for p in ours], start, end)[0]]
        real = [p[:3] for p in _cut([Range(*p, None) for p in real], start, end)[0]]
    return _without(merged(ours), merged(real)), _without(merged(real), merged(ours))


def _without(first, second):
    """The parts of `first` that no range of `second` with the same protection covers."""
    left = []
    for piece in first:
        rest = [Range(*piece, None)]
        for start, end, kind in second:
            if kind == piece[2]:
                rest = _cut(rest, start, end)[0]
        left += [part[:3] for part in rest]
    return left
