"""How C++ types are spelled, for demangle_cxx: as libiberty's cp-demangle.c spells them.

A spelling is (left, right, kind, last): what stands before and after a name that it would be the
type of. kind: "f" of a function, "a" of an array, which need brackets around `*`; `last`: of a
class, what its constructors are called.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Union

    Spelling = tuple[str, str, str, Optional[str]]
    Argument = Union[Spelling, list[Spelling]]  # of a template; several: what a pack holds


class Unsure(Exception):
    """Left to gdb."""


class Name:
    """Of a function or class: its text, what its constructors are called, what stands behind its
    arguments; `args`: if it ends with those of a template."""

    def __init__(
        self,
        text: str,
        last: str | None = None,
        is_known: bool = False,
        has_result: bool = True,
        args: list[Argument] | None = None,
    ) -> None:
        self.text, self.last, self.args = text, last, args
        self.is_known = is_known  # needs no number to be spoken of again
        self.has_result = has_result
        self.after = ""


BUILTINS = {
    **dict(v="void", w="wchar_t", b="bool", c="char", a="signed char", h="unsigned char"),
    **dict(s="short", t="unsigned short", i="int", j="unsigned int", l="long", m="unsigned long"),
    **dict(x="long long", y="unsigned long long", n="__int128", o="unsigned __int128"),
    **dict(f="float", d="double", e="long double", g="__float128", z="..."),
    **dict(Dn="decltype(nullptr)", Di="char32_t", Ds="char16_t", Du="char8_t", Da="auto"),
}
OPERATORS = {
    **{"nw": " new", "na": " new[]", "dl": " delete", "da": " delete[]", "ps": "+", "ng": "-"},
    **{"ad": "&", "de": "*", "co": "~", "pl": "+", "mi": "-", "ml": "*", "dv": "/", "rm": "%"},
    **{"an": "&", "or": "|", "eo": "^", "aS": "=", "pL": "+=", "mI": "-=", "mL": "*=", "dV": "/="},
    **{"rM": "%=", "aN": "&=", "oR": "|=", "eO": "^=", "ls": "<<", "rs": ">>", "lS": "<<="},
    **{"rS": ">>=", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="},
    **{"ss": "<=>", "nt": "!", "aa": "&&", "oo": "||", "pp": "++", "mm": "--", "cm": ","},
    **{"pm": "->*", "pt": "->", "cl": "()", "ix": "[]", "qu": "?"},
}
LITERALS = {"i": "", "j": "u", "l": "l", "m": "ul", "x": "ll", "y": "ull"}  # what follows them
QUALIFIERS = {"r": " restrict", "V": " volatile", "K": " const"}
REFERENCES = {"R": " &", "O": " &&"}  # of a member function
_CHARS = "char, std::char_traits<char>"
STANDARD = {  # letter: (in full, what its constructors are called)
    "a": ("std::allocator", "allocator"),
    "b": ("std::basic_string", "basic_string"),
    "s": ("std::basic_string<%s, std::allocator<char> >" % _CHARS, "basic_string"),
    "i": ("std::basic_istream<%s >" % _CHARS, "basic_istream"),
    "o": ("std::basic_ostream<%s >" % _CHARS, "basic_ostream"),
    "d": ("std::basic_iostream<%s >" % _CHARS, "basic_iostream"),
}


def named(text: str, last: str | None = None) -> Spelling:
    return text, "", "", last


def whole(spelling: Spelling) -> str:
    return spelling[0] + spelling[1]


def pointer(spelling: Spelling, mark: str) -> Spelling:
    """`mark`: `*`, `&` or `&&`."""
    left, right, kind, _ = spelling
    if kind:
        gap = "" if left.endswith(" ") else " "
        return left + gap + "(" + mark, ")" + right, "", None
    if left.endswith("&") and mark != "*":  # a reference to one is one
        shorter = left.endswith("&&") and mark == "&"
        return left[:-1] if shorter else left, right, "", None
    return left + mark, right, "", None


def qualified(spelling: Spelling, words: str) -> Spelling:
    """`words`: such as " const"."""
    left, right, kind, _ = spelling
    if kind == "f":
        return left, right + words, kind, None
    if left.endswith(words):
        return left, right, kind, None
    return left + words, right, kind, None


def function(result: Spelling, arguments: str, after: str) -> Spelling:
    left, right = result[:2]
    return left if right else left + " ", "(%s)%s%s" % (arguments, after, right), "f", None


def array(spelling: Spelling, length: str) -> Spelling:
    left, right, kind, _ = spelling
    if kind == "f" or right and kind != "a":
        raise Unsure
    return left, " [%s]%s" % (length, right[1:] if right else ""), "a", None


def member(owner: str, spelling: Spelling) -> Spelling:
    """A pointer to a member of the class `owner`."""
    left, right, kind, _ = spelling
    if kind == "f":
        return "%s(%s::*" % (left, owner), ")" + right, "", None
    if kind or right:
        raise Unsure
    return "%s %s::*" % (left, owner), "", "", None


def template(name: str, arguments: list[Spelling]) -> str:
    """`name<arguments>`: no `<<`, no `>>`."""
    text = name + (" <" if name.endswith("<") else "<") + ", ".join(map(whole, arguments))
    return text + (" >" if text.endswith(">") else ">")
