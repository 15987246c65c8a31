"""Function names as people read them: no arguments, no hashes, no default template arguments.

`readable("std::vector<int, std::allocator<int> >::push_back(int const&)")` is
`std::vector<int>::push_back`. Names come from the target: any text is taken, none fails.
"""

from __future__ import annotations

from alloctrace.patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from re import Match

MAX_NAME = 4096  # characters; what is longer is cut
_INTERNAL = "__GI_"  # glibc's own calls go to such aliases (include/libc-symbols.h)
_ANONYMOUS = "(anonymous namespace)"
_OPERATOR = (
    r"\boperator ?(?:\(\)|\[\]|->\*?|<=>|<<=?|>>=?|<=?|>=?|\"\" ?|[-+*/%^&|~!=,]+|new|delete)"
)
_MARKS = Pattern(_OPERATOR + r"|->|[][<>{}() ]")
_ANGLES = Pattern("[<>]")
_RUST_HASH = Pattern(r"::h[0-9a-f]{16}$")
_COMPILER_PART = Pattern(r"(?:\.(?:cold|part|constprop|isra|llvm|lto_priv)(?:\.\d+)*)+$")
_CLONE = Pattern(r" \[clone [^\]]*\]")
_STRING = Pattern(r"std::(?:__cxx11::)?basic_string<char>")
_DEFAULTS = (", std::allocator<", ", std::char_traits<")
_QUALIFIERS = Pattern(r" (?:const|volatile|&&?)(?=$|::| (?:const|volatile|&))")
_OPENING, _CLOSING = "<[{(", ">]})"


def readable(name: str, has_return_type: bool = False) -> str:
    """The name without arguments. `has_return_type`: a demangled template begins with its type."""
    name = name[:MAX_NAME]
    if "[clone" in name:  # here and below: most names do without a pattern, and without making it
        name = _CLONE.sub("", name)
    if name.startswith(_INTERNAL):
        name = name[len(_INTERNAL) :]
    if not any(mark in name for mark in "(<: "):
        return plain(name)
    name = _RUST_HASH.sub("", _without_arguments(name))
    if has_return_type and "<" in name:
        name = _without_return_type(name)
    return _without_defaults(name)


def demangled(name: str) -> str | None:
    """As `readable` gives it of what gdb makes of a mangled name; None: not mangled, or not sure to
    be the same."""
    if not is_mangled(name):
        return None
    from . import demangle_cxx, demangle_rust  # only now: most runs know all their names

    text = demangle_rust.demangle(name) or demangle_cxx.demangle(name)
    return text and readable(text, has_return_type=True)


def plain(name: str) -> str:
    """A linker's name without what the compiler appends to the parts of a function."""
    name = name[:MAX_NAME]
    return _COMPILER_PART.sub("", name) or name if "." in name else name


def is_mangled(name: str) -> bool:
    return name.startswith(("_Z", "_R", "__Z"))


def _marks(name: str) -> Iterator[tuple[Match[str], int]]:
    """Yield (match, depth of brackets around it) of brackets and blanks. Those of operators and
    arrows are none: an operator comes as one piece."""
    depth = 0
    for match in _MARKS.finditer(name):
        text = match.group()
        if text in _CLOSING:
            depth = max(0, depth - 1)
        yield match, depth
        if text in _OPENING:
            depth += 1


def _without_arguments(name: str) -> str:
    name = name.replace(_ANONYMOUS, "{anonymous}")
    kept, start, is_skipping = [], 0, False
    for match, depth in _marks(name):
        if depth or match.group() not in "()":
            continue
        if match.group() == ")":
            start, is_skipping = match.end() if is_skipping else start, False
        elif not is_skipping:
            kept.append(name[start : match.start()])
            is_skipping = True
    kept.append("" if is_skipping else name[start:])
    cleaned = _QUALIFIERS.sub("", "".join(kept))
    return (cleaned or name).replace("{anonymous}", _ANONYMOUS)


def _without_return_type(name: str) -> str:
    last, operator_end = 0, -1
    for match, depth in _marks(name):
        if match.group().startswith("operator"):
            operator_end = match.end()
        elif match.group() == " " and depth == 0 and match.start() != operator_end:
            last = match.end()
    return name[last:] or name


def _without_defaults(name: str) -> str:
    for mark in _DEFAULTS:
        at = name.find(mark)
        while at >= 0:
            end = _closing(name, at + len(mark))
            rest = name[end:].lstrip(" ")
            if rest.startswith(">") or rest.startswith(mark[:7]):
                name = name[:at] + rest
                at = name.find(mark, at)
            else:
                at = name.find(mark, at + 1)
    text: str = _STRING.sub("std::string", name.replace("> >", ">>").replace("> >", ">>"))
    return text


def _closing(name: str, at: int) -> int:
    """Where the bracket that opened before `at` has been closed."""
    depth = 1
    for match in _ANGLES.finditer(name, at):
        depth += 1 if match.group() == "<" else -1
        if not depth:
            end: int = match.end()
            return end
    return len(name)
