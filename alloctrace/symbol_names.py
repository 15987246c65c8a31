"""Function names as people read them: no arguments, no hashes, no default template arguments.

`readable("std::vector<int, std::allocator<int> >::push_back(int const&)")` is
`std::vector<int>::push_back`. Names come from the target: any text is taken, none fails.
"""

from __future__ import annotations

import re

MAX_NAME = 4096  # characters; what is longer is cut
_INTERNAL = "__GI_"  # glibc's own calls go to such aliases (include/libc-symbols.h)
_ANONYMOUS = "(anonymous namespace)"
_OPERATOR = re.compile(
    r"\boperator ?(?:\(\)|\[\]|->\*?|<=>|<<=?|>>=?|<=?|>=?|\"\" ?|[-+*/%^&|~!=,]+|new|delete)"
)
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_COMPILER_PART = re.compile(r"(?:\.(?:cold|part|constprop|isra|llvm|lto_priv)(?:\.\d+)*)+$")
_CLONE = re.compile(r" \[clone [^\]]*\]")
_STRING = re.compile(r"std::(?:__cxx11::)?basic_string<char>")
_DEFAULTS = (", std::allocator<", ", std::char_traits<")
_QUALIFIERS = re.compile(r" (?:const|volatile|&&?)(?=$|::| (?:const|volatile|&))")
_OPENING, _CLOSING = "<[{(", ">]})"


def readable(name, has_return_type=False):
    """The name without arguments. `has_return_type`: a demangled template begins with its type."""
    name = _CLONE.sub("", name[:MAX_NAME])
    if name.startswith(_INTERNAL):
        name = name[len(_INTERNAL) :]
    if not any(mark in name for mark in "(<: "):
        return plain(name)
    name = _RUST_HASH.sub("", _without_arguments(name))
    if has_return_type and "<" in name:
        name = _without_return_type(name)
    return _without_defaults(name)


def plain(name):
    """A linker's name without what the compiler appends to the parts of a function."""
    return _COMPILER_PART.sub("", name[:MAX_NAME]) or name[:MAX_NAME]


def is_mangled(name):
    return name.startswith(("_Z", "_R", "__Z"))


def _tokens(name):
    """Yield (text, depth of brackets around it): operators and arrows are one piece."""
    at, depth = 0, 0
    while at < len(name):
        match = _OPERATOR.match(name, at) if name[at] == "o" and _begins_word(name, at) else None
        text = match.group() if match else "->" if name.startswith("->", at) else name[at]
        if len(text) == 1 and text in _CLOSING:
            depth = max(0, depth - 1)
        yield text, depth
        if len(text) == 1 and text in _OPENING:
            depth += 1
        at += len(text)


def _begins_word(name, at):
    return at == 0 or not (name[at - 1].isalnum() or name[at - 1] == "_")


def _without_arguments(name):
    kept, skipping = [], False
    name = name.replace(_ANONYMOUS, "{anonymous}")
    for text, depth in _tokens(name):
        if text == "(" and depth == 0:
            skipping = True
        if not skipping:
            kept.append(text)
        if text == ")" and depth == 0:
            skipping = False
    cleaned = _QUALIFIERS.sub("", "".join(kept))
    return (cleaned or name).replace("{anonymous}", _ANONYMOUS)


def _without_return_type(name):
    last, at, before = 0, 0, ""
    for text, depth in _tokens(name):
        if text == " " and depth == 0 and not before.startswith("operator"):
            last = at + 1
        at += len(text)
        before = text
    return name[last:] or name


def _without_defaults(name):
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
    return _STRING.sub("std::string", name.replace("> >", ">>").replace("> >", ">>"))


def _closing(name, at):
    """Where the bracket that opened before `at` has been closed."""
    depth = 1
    while at < len(name) and depth:
        depth += (name[at] == "<") - (name[at] == ">")
        at += 1
    return at
