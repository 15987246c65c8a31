"""Fields and facts of purpose rules: plain functions of (survey, index, event).

A field gives text or a number, or None where it is not known: the rule then does not hold.
"""

from __future__ import annotations

from alloctrace.symbols.long_names import short
from alloctrace.symbols.mangled_names import path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from alloctrace.model import Event
    from alloctrace.purpose.rules import Rule
    from alloctrace.purpose.survey import Survey

PAGE = 4096
VEC, STRING = "elements of a Vec", "text of a String"  # `thing` of rules for Rust
MAX_NAME = 100  # characters of a function's name in a text
HEAP_MAX = 64 << 20  # glibc malloc/arena.c HEAP_MAX_SIZE of 64-bit programs


def basename(path: str | None) -> str | None:
    return path.rsplit("/", 1)[-1] if path else None


def _previous_size(survey: Survey, index: int, event: Event) -> int | None:
    earlier = survey.previous(event)
    return None if earlier is None else asked(earlier)


def asked(event: Event) -> int | None:
    """Bytes asked for by a call."""
    if event.size is None:
        return None
    return event.size * (1 if event.nmemb is None else event.nmemb)


def _next_library(survey: Survey, index: int, event: Event) -> str | None:
    return basename(survey.next_file(index))


def _last_library(survey: Survey, index: int, event: Event) -> str | None:
    return basename(survey.last_file(index))


def _module(survey: Survey, index: int, event: Event) -> str | None:
    return basename(survey.file_at(event.ptr, event.image)) if event.ptr else None


def _unmapped(survey: Survey, index: int, event: Event) -> str | None:
    return basename(survey.file_mapped_at(index, event.ptr)) if event.ptr else None


def _cause_name(survey: Survey, index: int, event: Event) -> str | None:
    call = survey.cause(event)
    return None if call is None else call.name


def _cause_size(survey: Survey, index: int, event: Event) -> int | None:
    call = survey.cause(event)
    return None if call is None else asked(call)


def _cause_old_size(survey: Survey, index: int, event: Event) -> int | None:
    call = survey.cause(event)
    return None if call is None else _previous_size(survey, index, call)


def _asker(survey: Survey, index: int, event: Event) -> str | None:
    """The function that decided whose the call is."""
    frame = survey.decided(event.stack, event.verdict)
    name = frame.function if frame is not None else None
    return short(path(name) or name, MAX_NAME) if name else None


def _stack_user(survey: Survey, index: int, event: Event) -> str | None:
    """The function for which libgcc's __morestack makes room: its caller."""
    functions, at = survey.functions(event), 0
    inner, outer = functions.at(at), functions.at(at + 1)
    while inner and outer:
        if inner[0] == "__morestack":
            return short(outer[0], MAX_NAME) or None
        at += 1
        inner, outer = outer, functions.at(at + 1)
    return None


def _thing(survey: Survey, index: int, event: Event) -> str | None:
    return survey.thing(event)


FIELDS: dict[str, Callable[[Survey, int, Event], Any]] = {
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


def _is_growing(survey: Survey, index: int, event: Event) -> bool:
    old = _previous_size(survey, index, event)
    new = asked(event)
    return old is not None and new is not None and new > old


def _is_shrinking(survey: Survey, index: int, event: Event) -> bool:
    old = _previous_size(survey, index, event)
    new = asked(event)
    return old is not None and new is not None and new < old


def _is_own_mapping(survey: Survey, index: int, event: Event) -> bool:
    """The block that the call handed out begins in this mapping's first page, and fills it."""
    call = survey.cause(event)
    if call is None or not call.result or event.result is None:
        return False
    size, more = asked(call) or 0, (event.size or 0) - (asked(call) or 0)
    fills = 0 <= more <= max(size, 4 * PAGE + (call.align or 0))
    return 0 <= call.result - event.result < PAGE and fills


def _is_in_last_file(survey: Survey, index: int, event: Event) -> bool:
    """An anonymous mapping that lies in, or right behind, the file mapped last."""
    for earlier in range(index - 1, max(-1, index - 9), -1):
        other = survey.events[earlier]
        if other.tid == event.tid and other.name == "mmap" and other.args.get("path"):
            if other.result is None or event.ptr is None or other.size is None:
                return False
            end = other.result + other.size
            return other.result <= event.ptr <= (end + PAGE - 1) // PAGE * PAGE
    return False


def _is_third(survey: Survey, index: int, event: Event) -> bool:
    """At least two calls before came from the same function on the same thread."""
    return survey.count_before(index) >= 2


def _is_direct(survey: Survey, index: int, event: Event) -> bool:
    return event.verdict is not None and event.verdict.origin == "user" and event.verdict.direct


def _is_own_unmapping(survey: Survey, index: int, event: Event) -> bool:
    """The block that the call frees or moves begins in the first page of what is unmapped."""
    call = survey.cause(event)
    if call is None or not call.ptr or event.ptr is None:
        return False
    return 0 <= call.ptr - event.ptr < PAGE


def _is_musl_large(survey: Survey, index: int, event: Event) -> bool:
    """musl gives blocks of that size a mapping of their own (mallocng MMAP_THRESHOLD)."""
    size = _cause_size(survey, index, event)
    return size is not None and size >= 131052


def _is_null(survey: Survey, index: int, event: Event) -> bool:
    return event.ptr == 0


def _cuts_arena(survey: Survey, index: int, event: Event) -> bool:
    """This call just reserved an arena's space, and what is unmapped is a part of it."""
    for earlier in range(index - 1, max(-1, index - 4), -1):
        other = survey.events[earlier]
        if other.tid == event.tid and other.name == "mmap" and other.cause == event.cause:
            end = (other.result or 0) + 2 * HEAP_MAX
            begin, at = other.result or 0, event.ptr
            return other.size == 2 * HEAP_MAX and at is not None and begin <= at < end
    return False


def _inlining_is_known(survey: Survey, index: int, event: Event) -> bool:
    """Debug information was there: without it a function inlined here would not be seen."""
    first = survey.first(event)
    return first is not None and survey.has_inlined(event, first[1].module)


FACTS: dict[str, Callable[[Survey, int, Event], object]] = {
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
RESTS_ON: dict[str, tuple[str, ...]] = {
    **{name: () for name in ("owner", "asker", "stack_user", "direct", "inlining-known")},
    **dict.fromkeys(("size", "bytes", "count"), ("size",)),
    **dict.fromkeys(("new_size", "path", "library"), ("args",)),
    **dict.fromkeys(("thing", "known-vec", "known-string"), (THING,)),
    **{name: ("size", BEFORE) for name in ("growing", "shrinking")},
    "old_size": (BEFORE,),
    "null": (NULL,),
}
LASTING = {name for name, rests in RESTS_ON.items() if not rests}  # of all events alike


def rests_on(rule: Rule) -> set[str]:
    """By what two events of a group must differ for the rule to say something else of them."""
    found = {"size"} if rule.sizes else set()
    if rule.flags or rule.path is not None:
        found.add("args")
    for name in rule.asks:
        found.update(RESTS_ON.get(name, (AROUND,)))
    return found
