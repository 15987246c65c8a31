"""Names of C++ and Rust that have no room: their parts, and each without what its brackets hold."""

from __future__ import annotations

from functools import lru_cache

from alloctrace.patterns import Pattern

_OPEN, _CLOSE = "<([{", ">)]}"
_MARKS = Pattern(r"->|::|[][<>{}() ]")


def parts(name: str) -> list[str]:
    """`a::B<c::d>::e` is `a`, `B<c::d>` and `e`; behind a blank that is in no brackets begins
    another text, which stays with the last."""
    found, begin, depth = [], 0, 0
    for match in _MARKS.finditer(name):
        mark = match.group()
        if mark in _OPEN:
            depth += 1
        elif mark in _CLOSE:
            depth = max(0, depth - 1)
        elif not depth and mark == " ":
            break
        elif not depth and mark == "::":
            found.append(name[begin : match.start()])
            begin = match.end()
    return [*found, name[begin:]]


def without_arguments(part: str, sign: str) -> str:
    """`Vec<u8>` is `Vec<…>`; `<a::B as c::D>`, a type of Rust whose function it is, is `<B>`."""
    if not part.endswith(">") or part.startswith("operator"):
        return part
    if not part.startswith("<"):
        return "%s<%s>" % (part[: part.index("<")], sign) if "<" in part else part
    first = part[1:-1].split(" as ", 1)[0]
    return "<%s>" % without_arguments(parts(first)[-1], sign)


@lru_cache(maxsize=4096)
def short(name: str, longest: int, sign: str = "…") -> str:
    """`name` in at most `longest` characters: without what is in its brackets, then without its
    front, for its end says more; what is left is cut."""
    if len(name) <= longest:
        return name
    found = [without_arguments(part, sign) for part in parts(name)]
    while len(found) > 1 and len("::".join(found)) > longest:
        if found[1].startswith(("{", "<")):  # `{closure#0}` alone says nothing
            break
        del found[0]
    text = "::".join(found)
    return text if len(text) <= longest else text[: longest - len(sign)] + sign
