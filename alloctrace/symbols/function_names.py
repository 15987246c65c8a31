"""One spelling of a function for the rule tables, whoever demangled it.

`plain("<alloc[fd2b]::raw_vec::RawVec<u8>>::grow_one")` is `alloc::raw_vec::RawVec::grow_one`,
`plain("std::vector<int, std::allocator<int> >::push_back(int const&)")` is
`std::vector::push_back`, `plain("__GI___libc_malloc")` is `__libc_malloc`. Names come from the
target: any text is taken, none fails, and the work is linear in its length.
"""

from __future__ import annotations

from functools import lru_cache

from alloctrace.patterns import Pattern
from .mangled_names import path

MAX_NAME = 1000  # characters looked at
MAX_DEPTH = 8  # of <<A as B>::C as D>::e

_HASH = Pattern(r"::h[0-9a-f]{16}$")
_CRATE_ID = Pattern(r"\[[0-9a-f]{4,16}\](?=::|>|$)")
_COMPILER_PART = Pattern(r"(?:\.(?:cold|part|constprop|isra|llvm|lto_priv|__uniq)(?:\.\d+)*)+$")
_VERSION = Pattern(r"@@?[A-Za-z]\w*(?:\.[\w.]+)?$")
_BRACKETS = Pattern(r"operator ?(?:\(\)|\[\]|->\*?|<=>|<<=?|>>=?|<=?|>=?)|[<>()]")
_ANGLES, _AS = Pattern("[<>]"), Pattern("[<>]| as ")
_NEW = Pattern(r"^_IO_new_(?=[a-z]*open|fclose|pclose|getline|fdopen)")  # glibc's aliases
_CLOSURE = Pattern(r"\{\{closure\}\}|\{closure[^}]*\}")
_IMPL = Pattern(r"\{impl#\d+\}::")
_INLINE_NAMESPACES = (("std::__cxx11::", "std::"), ("std::__1::", "std::"))
_REFERENCE = Pattern(r"^(?:&(?:mut )?|\*(?:const|mut) |dyn )+")
_QUALIFIERS = Pattern(r"(?: (?:const|volatile|&&?)| ?\[clone [^\]]*\])+$")
_CLASS_TEMPLATES = (("std::basic_string::", "std::string::"),)


@lru_cache(maxsize=65536)
def plain(name: str | None) -> str | None:
    """`name` without arguments, generics, hashes and compiler's suffixes; None for None."""
    if name is None:
        return None
    text: str = (path(name) if name.startswith("_Z") else None) or name
    text = text[:MAX_NAME]
    if "::" not in text and "(" not in text and "<" not in text:
        return _plain_c(text)
    text = _without_brackets(_CRATE_ID.sub("", _HASH.sub("", text)))
    text = _IMPL.sub("", _CLOSURE.sub("{closure}", text)).replace("<", "").replace(">", "")
    for old, new in _INLINE_NAMESPACES + _CLASS_TEMPLATES:
        text = text.replace(old, new)
    return _COMPILER_PART.sub("", text).replace("::::", "::").strip() or "?"


def _plain_c(name: str) -> str:
    if " " in name:  # here and below: most names do without a pattern, and without making it
        name = _QUALIFIERS.sub("", name)
    if "." in name:
        name = _COMPILER_PART.sub("", name)
    if "@" in name:
        name = _VERSION.sub("", name)
    if name.startswith("__GI_") and len(name) > 5:
        name = name[5:]
    text: str = _NEW.sub("", name) if name.startswith("_IO_new_") else name
    return text


def _without_brackets(name: str) -> str:
    """Drop (arguments) and <generics>; a leading <Type as Trait> becomes its path."""
    for _ in range(MAX_DEPTH):
        if not name.startswith("<"):
            break
        end = _closing(name, 1)
        name = _self_path(name[1:end]) + name[end + 1 :]
    name = name.replace("(anonymous namespace)", "{anonymous}")
    kept, depth, at = [], 0, 0
    for match in _BRACKETS.finditer(name):
        text, start = match.group(), match.start()
        if not depth:
            kept.append(name[at:start])
        at = match.end()
        if text in "<(":
            depth += 1
        elif text in ">)" and name[start - 1 : start + 1] != "->":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(text if text == ">" else text.replace("<", "{lt}").replace(">", "{gt}"))
    if not depth:
        kept.append(name[at:])
    return _last_word("".join(kept)).replace("{lt}", "<").replace("{gt}", ">")


def _last_word(name: str) -> str:
    """Without a return type before the name and qualifiers behind it."""
    name = _QUALIFIERS.sub("", name)
    head, operator, tail = name.partition("operator")
    head = head.rstrip() if not operator else head
    return (head.rsplit(" ", 1)[-1] + operator + tail).rstrip(": ")


def _self_path(inside: str) -> str:
    """Of `Type as Trait` the type where it is a path, else the trait; of `Type` the type."""
    type_, _, trait = _split_as(inside)
    type_ = _REFERENCE.sub("", type_)
    if "::" in type_.split("<", 1)[0] or not trait:
        return type_
    return trait


def _split_as(text: str) -> tuple[str, str, str]:
    depth = 0
    for match in _AS.finditer(text):
        mark, at = match.group(), match.start()
        if mark == " as " and not depth:
            return text[:at], " as ", text[at + 4 :]
        depth += (mark == "<") - (mark == ">" and text[at - 1] != "-")
    return text, "", ""


def _closing(text: str, at: int) -> int:
    """Where the `<` before `at` is closed; the text's end where it is not."""
    depth = 1
    for match in _ANGLES.finditer(text, at):
        start: int = match.start()
        depth += 1 if match.group() == "<" else -(text[start - 1] != "-")
        if not depth:
            return start
    return max(at, len(text))
