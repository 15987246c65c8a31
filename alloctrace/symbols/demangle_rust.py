"""Rust's names as linkers have them -> as gdb shows them. None: not Rust's, or not sure.

`demangle("_RNvNtCs1234_3std2io5write")` is `std[3c1c0]::io::write`; of the legacy scheme,
`_ZN3std2io5write17h0123456789abcdefE` is `std::io::write`. Grammar: Rust RFC 2603, "Symbol name
mangling v0"; spelling: libiberty's rust-demangle.c, which is gdb's.
"""

from __future__ import annotations

from re import ASCII

from alloctrace.patterns import Pattern

from .demangle_types import Unsure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Match
    from typing import NoReturn, TypeVar

    _Read = TypeVar("_Read")

MAX_MANGLED = 2000
_MAX_TEXT = 4096
_MAX_DEPTH = 100
_MAX_STEPS = 4000  # names may point back to parts of themselves
_BASIC = {
    **dict(a="i8", b="bool", c="char", d="f64", e="str", f="f32", h="u8", i="isize", j="usize"),
    **dict(l="i32", m="u32", n="i128", o="u128", s="i16", t="u16", u="()", v="...", x="i64"),
    **dict(y="u64", z="!", p="_"),
}
_UNSIGNED, _SIGNED = "htmyoj", "aslxni"
_SPECIAL = {"C": "closure", "S": "shim"}
_V0 = Pattern(r"(_R[A-Z][A-Za-z0-9_]*)(?:\.[\w.]*)?\Z", ASCII)
_DIGITS = Pattern(r"[1-9]\d{0,3}|0")
_BASE_62 = Pattern(r"([0-9A-Za-z]{0,11})_")
_HEX = Pattern(r"([0-9a-f]{0,32})_")
_HASH = Pattern(r"17h([0-9a-f]{16})E(?:\.[\w.]*)?\Z", ASCII)
_ESCAPE = Pattern(r"\$(SP|BP|RF|LT|GT|LP|RP|C|u[0-9a-f]{2})\$|\.\.|[$]")
_ESCAPES = dict(SP="@", BP="*", RF="&", LT="<", GT=">", LP="(", RP=")", C=",")


def demangle(name: str) -> str | None:
    if len(name) > MAX_MANGLED or not name.isascii():
        return None
    try:
        v0 = _V0.match(name)
        if v0:
            return _Reader(v0.group(1)).whole()
        legacy = _HASH.search(name) if name.startswith("_ZN") else None
        if legacy and len(set(legacy.group(1))) >= 5:
            return _legacy(name[3 : legacy.start()])
    except (Unsure, IndexError):
        pass
    return None


def _legacy(parts: str) -> str:
    found, at = [], 0
    while at < len(parts):
        digits = _DIGITS.match(parts, at)
        if digits is None:
            raise Unsure
        start = digits.end()
        at = start + int(digits.group())
        if at == start or at > len(parts):
            raise Unsure
        part = parts[start:at]
        found.append(_ESCAPE.sub(_unescaped, part[1:] if part.startswith("_$") else part))
    return "::".join(found)


def _unescaped(match: Match[str]) -> str:
    word = match.group(1)
    if word is None:
        if match.group() == "$":
            raise Unsure
        return "::"
    if word[0] != "u":
        return _ESCAPES[word]
    letter = chr(int(word[1:], 16))
    if not letter.isprintable() or not letter.isascii():
        raise Unsure
    return letter


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 2
        self.bound = 0  # lifetimes that are bound around here
        self.steps = self.depth = 0

    def whole(self) -> str:
        found = self.path(True)
        if self.at < len(self.text):
            self.path(False)  # of the crate that made it
        if self.at < len(self.text):
            raise Unsure
        return found

    def _next(self) -> str:
        self.steps += 1
        if self.steps > _MAX_STEPS or self.depth > _MAX_DEPTH:
            raise Unsure
        self.at += 1
        return self.text[self.at - 1]

    def _is(self, char: str) -> bool:
        found = self.text.startswith(char, self.at)
        self.at += found
        return found

    def _match(self, pattern: Pattern) -> Match[str]:
        match: Match[str] | None = pattern.match(self.text, self.at)
        if match is None:
            raise Unsure
        self.at = match.end()
        return match

    def _number(self) -> int:
        """In base 62: `_` is 0, `0_` is 1, …"""
        found, digits = 0, self._match(_BASE_62).group(1)
        for char in digits:
            value = int(char, 36) if not char.isupper() else ord(char) - ord("A") + 36
            found = 62 * found + value
        return found + 1 if digits else 0

    def _optional(self, mark: str) -> int:
        return self._number() + 1 if self._is(mark) else 0

    def _identifier(self) -> str:
        if self._is("u"):
            raise Unsure  # with other letters
        length = int(self._match(_DIGITS).group())
        self._is("_")
        self.at += length
        if self.at > len(self.text):
            raise Unsure
        return self.text[self.at - length : self.at]

    def _back(self, read: Callable[[], _Read]) -> _Read:
        """What `read` gives earlier in the name."""
        start, here = self.at - 1, self._number()
        if here + 2 >= start:
            raise Unsure
        after, self.at = self.at, here + 2
        found = read()
        self.at = after
        return found

    def _checked(self, text: str) -> str:
        if len(text) > _MAX_TEXT:
            raise Unsure
        return text

    # ---- paths -------------------------------------------------------------------------------

    def path(self, in_value: bool) -> str:
        self.depth += 1
        found = self._checked(self._path(in_value, self._next()))
        self.depth -= 1
        return found

    def _path(self, in_value: bool, tag: str) -> str:
        if tag == "C":
            number = self._optional("s")
            return "%s[%x]" % (self._identifier(), number)
        if tag == "N":
            return self._inner(in_value)
        if tag in "MXY":
            return self._of_type(tag)
        if tag == "I":
            return self.path(in_value) + ("::<" if in_value else "<") + self._arguments() + ">"
        if tag == "B":
            return self._back(lambda: self.path(in_value))
        raise Unsure

    def _inner(self, in_value: bool) -> str:
        space = self._next()
        outer, number, name = self.path(in_value), self._optional("s"), self._identifier()
        if space.isupper():
            name = ":" + name if name else ""
            return "%s::{%s%s#%d}" % (outer, _SPECIAL.get(space, space), name, number)
        if not space.islower():
            raise Unsure
        return outer + "::" + name if name else outer

    def _of_type(self, tag: str) -> str:
        if tag != "Y":
            self._optional("s")
            self.path(False)  # where it is implemented
        if tag == "M":
            return "<" + self.type() + ">"
        type_ = self.type()
        return "<%s as %s>" % (type_, self.path(False))

    def _arguments(self) -> str:
        return self._until_end(self._argument)

    def _until_end(self, read: Callable[[], str], between: str = ", ") -> str:
        found = []
        while not self._is("E"):
            found.append(read())
        return between.join(found)

    def _argument(self) -> str:
        if self._is("L"):
            return self._lifetime(self._number())
        return self._const() if self._is("K") else self.type()

    def _lifetime(self, index: int) -> str:
        if index == 0:
            return "'_"
        depth = self.bound - index
        if not 0 <= depth < 26:
            raise Unsure
        return "'" + chr(ord("a") + depth)

    # ---- types -------------------------------------------------------------------------------

    def type(self) -> str:
        self.depth += 1
        found = self._checked(self._type(self._next()))
        self.depth -= 1
        return found

    def _type(self, tag: str) -> str:
        if tag in _BASIC:
            return _BASIC[tag]
        if tag in "RQ":
            index = self._number() if self._is("L") else 0
            lifetime = self._lifetime(index) + " " if index else ""
            return "&" + lifetime + ("mut " if tag == "Q" else "") + self.type()
        if tag in "PO":
            return ("*const " if tag == "P" else "*mut ") + self.type()
        if tag == "A":
            return "[%s; %s]" % (self.type(), self._const())
        if tag == "S":
            return "[%s]" % self.type()
        if tag == "T":
            return self._tuple()
        if tag == "F":
            return self._bound_by(self._function)
        if tag == "D":
            traits = "dyn " + self._bound_by(lambda: self._until_end(self._trait, " + "))
            if not self._is("L"):
                raise Unsure
            index = self._number()
            return traits + " + " + self._lifetime(index) if index else traits
        if tag == "B":
            return self._back(self.type)
        return self._path(False, tag)

    def _tuple(self) -> str:
        found = []
        while not self._is("E"):
            found.append(self.type())
        return "(%s%s)" % (", ".join(found), "," if len(found) == 1 else "")

    def _bound_by(self, read: Callable[[], str]) -> str:
        count = self._optional("G")
        if count > 26:
            raise Unsure
        self.bound += count
        names = ", ".join(self._lifetime(count - at) for at in range(count))
        found = ("for<%s> " % names if count else "") + read()
        self.bound -= count
        return found

    def _function(self) -> str:
        head = "unsafe " if self._is("U") else ""
        if self._is("K"):
            abi = "C" if self._is("C") else self._identifier().replace("_", "-")
            head += 'extern "%s" ' % abi
        arguments = self._until_end(self.type)
        result = "" if self._is("u") else " -> " + self.type()
        return "%sfn(%s)%s" % (head, arguments, result)

    def _trait(self) -> str:
        text, is_open = self._open_path()
        while self._is("p"):
            text += ", " if is_open else "<"
            is_open = True
            name = self._identifier()
            text += name + " = " + self.type()
        return text + ">" if is_open else text

    def _open_path(self) -> tuple[str, bool]:
        """A path whose `>` may be still to come, and whether it is."""
        if self._is("B"):
            return self._back(self._open_path)
        if self._is("I"):
            return self.path(False) + "<" + self._arguments(), True
        return self.path(False), False

    def _const(self) -> str:
        if self._is("B"):
            return self._back(self._const)
        tag = self._next()
        if tag == "p":
            return "_"
        sign = "-" if tag in _SIGNED and self._is("n") else ""
        digits = self._match(_HEX).group(1)
        if len(digits) > 16 or tag not in _UNSIGNED + _SIGNED + "b":
            raise Unsure
        value = int(digits or "0", 16)
        if tag == "b":
            return ({0: "false", 1: "true"}.get(value) or self._unknown()) + ": bool"
        return "%s%d: %s" % (sign, value, _BASIC[tag])

    @staticmethod
    def _unknown() -> NoReturn:
        raise Unsure
