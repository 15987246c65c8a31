"""Fields and facts of purpose rules: plain functions of (survey, index, event).

A field gives text or a number, or None where it is not known: the rule then does not hold.
"""

from __future__ import annotations

from alloctrace.symbols.mangled_names import path

PAGE = 4096
VEC, STRING = "elements of a Vec", "text of a String"  # `thing` of rules for Rust
MAX_NAME = 100  # characters of a function's name in a text
HEAP_MAX = 64 << 20  # glibc malloc/arena.c HEAP_MAX_SIZE of 64-bit programs


def basename(path):
    return path.rsplit("/", 1)[-1] if path else None


def _previous_size(survey, index, event):
    earlier = survey.previous(event)
    return None if earlier is None else asked(earlier)


def asked(event):
    """Bytes asked for by a call."""
    if event.size is None:
        return None
    return event.size * (1 if event.nmemb is None else event.nmemb)


def _next_library(survey, index, event):
    return basename(survey.next_file(index))


def _last_library(survey, index, event):
    return basename(survey.last_file(index))


def _module(survey, index, event):
    return basename(survey.file_at(event.ptr, event.image)) if event.ptr else None


def _unmapped(survey, index, event):
    return basename(survey.file_mapped_at(index, event.ptr)) if event.ptr else None


def _cause_name(survey, index, event):
    call = survey.cause(event)
    return None if call is None else call.name


def _cause_size(survey, index, event):
    call = survey.cause(event)
    return None if call is None else asked(call)


def _cause_old_size(survey, index, event):
    call = survey.cause(event)
    return None if call is None else _previous_size(survey, index, call)


def _asker(survey, index, event):
    """The function that decided whose the call is."""
    frame = survey.decided(event.stack, event.verdict)
    name = frame.function if frame is not None else None
    return (path(name) or name)[:MAX_NAME] if name else None


def _stack_user(survey, index, event):
    """The function for which libgcc's __morestack makes room: its caller."""
    functions, at = survey.functions(event), 0
    while functions.at(at + 1):
        if functions.at(at)[0] == "__morestack":
            return functions.at(at + 1)[0][:MAX_NAME] or None
        at += 1
    return None


def _thing(survey, index, event):
    return survey.thing(event)


FIELDS = {
    "size": lambda survey, index, event: asked(event),
    "bytes": lambda survey, index, event: abs(event.size) if event.size else None,
    "count": lambda survey, index, event: event.nmemb,
    "new_size": lambda survey, index, event: event.args.get("new_size"),
    "path": lambda survey, index, event: event.args.get("path"),
    "library": lambda survey, index, event: basename(event.args.get("path")),
    "owner": lambda survey, index, event: event.verdict and event.verdict.owner,
    "old_size": _previous_size,
    "next_library": _next_library,
    "last_library": _last_library,
    "module": _module,
    "unmapped": _unmapped,
    "cause_name": _cause_name,
    "cause_size": _cause_size,
    "cause_old_size": _cause_old_size,
    "asker": _asker,
    "stack_user": _stack_user,
    "thing": _thing,
}


def _is_growing(survey, index, event):
    old = _previous_size(survey, index, event)
    return old is not None and event.size is not None and asked(event) > old


def _is_shrinking(survey, index, event):
    old = _previous_size(survey, index, event)
    return old is not None and event.size is not None and asked(event) < old


def _is_own_mapping(survey, index, event):
    """The block that the call handed out begins in this mapping's first page, and fills it."""
    call = survey.cause(event)
    if call is None or not call.result or event.result is None:
        return False
    size, more = asked(call) or 0, (event.size or 0) - (asked(call) or 0)
    fills = 0 <= more <= max(size, 4 * PAGE + (call.align or 0))
    return 0 <= call.result - event.result < PAGE and fills


def _is_in_last_file(survey, index, event):
    """An anonymous mapping that lies in, or right behind, the file mapped last."""
    for earlier in range(index - 1, max(-1, index - 9), -1):
        other = survey.events[earlier]
        if other.tid == event.tid and other.name == "mmap" and other.args.get("path"):
            if other.result is None or event.ptr is None or other.size is None:
                return False
            end = other.result + other.size
            return other.result <= event.ptr <= (end + PAGE - 1) // PAGE * PAGE
    return False


def _is_third(survey, index, event):
    """At least two calls before came from the same function on the same thread."""
    return survey.count_before(index) >= 2


def _is_direct(survey, index, event):
    return event.verdict is not None and event.verdict.origin == "user" and event.verdict.direct


def _is_own_unmapping(survey, index, event):
    """The block that the call frees or moves begins in the first page of what is unmapped."""
    call = survey.cause(event)
    return call is not None and bool(call.ptr) and 0 <= call.ptr - event.ptr < PAGE


def _is_musl_large(survey, index, event):
    """musl gives blocks of that size a mapping of their own (mallocng MMAP_THRESHOLD)."""
    size = _cause_size(survey, index, event)
    return size is not None and size >= 131052


def _is_null(survey, index, event):
    return event.ptr == 0


def _cuts_arena(survey, index, event):
    """This call just reserved an arena's space, and what is unmapped is a part of it."""
    for earlier in range(index - 1, max(-1, index - 4), -1):
        other = survey.events[earlier]
        if other.tid == event.tid and other.name == "mmap" and other.cause == event.cause:
            end = (other.result or 0) + 2 * HEAP_MAX
            return other.size == 2 * HEAP_MAX and (other.result or 0) <= event.ptr < end
    return False


def _inlining_is_known(survey, index, event):
    """Debug information was there: without it a function inlined here would not be seen."""
    first = survey.first(event)
    return first is not None and survey.has_inlined(event, first[1].module)


FACTS = {
    "inlining-known": _inlining_is_known,
    "known-vec": lambda survey, index, event: survey.thing(event) == VEC,
    "known-string": lambda survey, index, event: survey.thing(event) == STRING,
    "growing": _is_growing,
    "shrinking": _is_shrinking,
    "own-mapping": _is_own_mapping,
    "behind-file": _is_in_last_file,
    "third": _is_third,
    "direct": _is_direct,
    "own-unmapping": _is_own_unmapping,
    "musl-large": _is_musl_large,
    "null": _is_null,
    "cuts-arena": _cuts_arena,
}

# What these rest on that differs between events of a group (groups.py): names of columns and those
# below; what is not here, on the events around.
AROUND = "events around"
BEFORE = "what their block was before"
THING = "what their block is for"
NULL = "whether they were given a pointer"
RESTS_ON = {
    **dict.fromkeys(("owner", "asker", "stack_user"), ()),
    **dict.fromkeys(("direct", "inlining-known"), ()),
    **dict.fromkeys(("size", "bytes", "count"), ("size",)),
    **dict.fromkeys(("new_size", "path", "library"), ("args",)),
    **dict.fromkeys(("thing", "known-vec", "known-string"), (THING,)),
    **dict.fromkeys(("growing", "shrinking"), ("size", BEFORE)),
    "old_size": (BEFORE,),
    "null": (NULL,),
}
LASTING = {name for name, rests in RESTS_ON.items() if not rests}  # of all events alike


def rests_on(rule):
    """By what two events of a group must differ for the rule to say something else of them."""
    found = {"size"} if rule.sizes else set()
    if rule.flags or rule.path is not None:
        found.add("args")
    for name in rule.asks:
        found.update(RESTS_ON.get(name, (AROUND,)))
    return found
