"""The path of a mangled C++ or (legacy) Rust name, for files that nobody demangled.

`path("_ZNSt6vectorIiSaIiEE9push_backERKi")` is `std::vector::push_back`. Template and function
arguments are skipped, not decoded. What is not understood gives None. Grammar: Itanium C++ ABI,
"External Names"; Rust's legacy scheme is the same with escapes (rustc_symbol_mangling/legacy.rs).
"""

from __future__ import annotations

from alloctrace.patterns import Pattern


_SHORT = {
    "St": "std",
    "Sa": "std::allocator",
    "Sb": "std::basic_string",
    "Ss": "std::string",
    "Si": "std::istream",
    "So": "std::ostream",
    "Sd": "std::iostream",
}
_OPERATORS = {
    "nw": "operator new",
    "na": "operator new[]",
    "dl": "operator delete",
    "da": "operator delete[]",
    "cl": "operator()",
    "ix": "operator[]",
    "pL": "operator+=",
    "pl": "operator+",
    "aS": "operator=",
    "ls": "operator<<",
    "rs": "operator>>",
}
_OPENING = "INXLJF"
_ESCAPES: tuple[tuple[str, str], ...]
_ESCAPES = (("$LT$", "<"), ("$GT$", ">"), ("$u20$", " "), ("$RF$", "&"), ("$BP$", "*"))
_ESCAPES += (("$C$", ","), ("$LP$", "("), ("$RP$", ")"), ("$u7b$", "{"), ("$u7d$", "}"))
_ESCAPES += (("$u5b$", "["), ("$u5d$", "]"), ("$u27$", "'"), ("..", "::"))
_RUST_HASH = Pattern(r"h[0-9a-f]{16}\Z")


def path(name: str) -> str | None:
    """The function's path without arguments, or None."""
    if not name.startswith("_Z") or len(name) > 10000:
        return None
    try:
        parts = _Reader(name, 2).parts()
    except (IndexError, ValueError):
        return None
    if parts and _RUST_HASH.match(parts[-1]):
        parts = [_unescape(part) for part in parts[:-1]]
    return "::".join(parts) or None


def _unescape(part: str) -> str:
    if part.startswith("_$"):
        part = part[1:]
    for escape, text in _ESCAPES:
        part = part.replace(escape, text)
    return part


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def parts(self) -> list[str]:
        """The components of the function's name."""
        if self.text[self.at] != "N":
            return self._components(nested=False)
        self.at += 1
        while self.text[self.at] in "rVKRO":
            self.at += 1
        return self._components(nested=True)

    def _components(self, nested: bool) -> list[str]:
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char.isdigit():
                found.append(self._identifier())
            elif self.text[self.at : self.at + 2] in _SHORT:
                found.append(_SHORT[self.text[self.at : self.at + 2]])
                self.at += 2
                if not nested and found != ["std"]:
                    break
                continue
            elif char == "I":
                self._skip()
                continue
            elif nested and char == "E":
                break
            else:
                found.append(self._special(found))
            if not nested:
                break
        return found

    def _identifier(self) -> str:
        end = self.at
        while self.text[end].isdigit():
            end += 1
        length = int(self.text[self.at : end])
        name = self.text[end : end + length]
        if length == 0 or len(name) != length:
            raise ValueError("an identifier that is cut off")
        self.at = end + length
        return "{anonymous}" if name.startswith("_GLOBAL__N") else name

    def _special(self, found: list[str]) -> str:
        two = self.text[self.at : self.at + 2]
        if found and two in ("C1", "C2", "C3", "D0", "D1", "D2"):
            self.at += 2
            own = found[-1].rsplit("::", 1)[-1]
            return own if two[0] == "C" else "~" + own
        if two in _OPERATORS:
            self.at += 2
            return _OPERATORS[two]
        raise ValueError("not understood: %s" % two)

    def _skip(self) -> None:
        """Over template arguments: brackets of all kinds are closed by E."""
        depth = 0
        while True:
            char = self.text[self.at]
            if char.isdigit() and self.text[self.at - 1] not in "LT_SijlmbcaxyKh":
                self._identifier()
                continue
            if char.isdigit():
                self._skip_number()
                continue
            if self.text[self.at : self.at + 2] in _SHORT:
                self.at += 2
                continue
            depth += (char in _OPENING) - (char == "E")
            self.at += 1
            if depth == 0:
                return

    def _skip_number(self) -> None:
        """A literal's value, a substitution's number, or after all an identifier."""
        if self.text[self.at - 1] in "SK" and self.text[self.at - 1] == "K":
            self._identifier()
            return
        start = self.at
        while self.text[self.at].isdigit():
            self.at += 1
        if self.text[self.at] not in "E_":
            self.at = start
            self._identifier()
