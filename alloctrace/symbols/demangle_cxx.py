"""C++ names as linkers have them -> as gdb shows them, but for results and arguments.

`demangle("_ZNSt6vectorIiSaIiEE9push_backERKi")` is `std::vector<int, std::allocator<int>
>::push_back()`: what the function itself returns and takes is left out, for nobody here shows it.
None where this is not sure to say what gdb says. Grammar: Itanium C++ ABI, 5.1 "External Names";
spelling: libiberty's cp-demangle.c, which is gdb's.
"""

from __future__ import annotations

import re

from . import demangle_types as types
from .demangle_types import Unsure, named, whole

MAX_MANGLED = 2000  # characters; steps and depth are of that order
MAX_TEXT = 4096  # as symbol_names.MAX_NAME: what is longer would be cut
_MAX_DEPTH = 60
_CLONE = re.compile(r"[A-Za-z0-9_]*(?:\.(?:[a-z_]+|\d+)(?:\.\d+)*)*\Z")
_THUNKS = {"h": "non-virtual thunk to ", "v": "virtual thunk to "}
_NUMBER = re.compile(r"n?\d+")
_LITERALS = {"i": "", "j": "u", "l": "l", "m": "ul", "x": "ll", "y": "ull"}
_QUALIFIERS = {"r": " restrict", "V": " volatile", "K": " const"}
_REFERENCES = {"R": " &", "O": " &&"}


def demangle(name):
    """`name` without its own result and arguments, or None."""
    if not name.startswith("_Z") or len(name) > MAX_MANGLED or not name.isascii():
        return None
    try:
        return _Reader(name).outermost()
    except (Unsure, IndexError):
        return None


class _Name:
    """Of a function or class: its text, what its constructors are called, what stands behind its
    arguments; `args`: if it ends with those of a template."""

    def __init__(self, text, last=None, is_known=False, has_result=True, args=None):
        self.text, self.last, self.args = text, last, args
        self.is_known = is_known  # needs no number to be spoken of again
        self.has_result = has_result
        self.after = ""


class _Reader:
    def __init__(self, text):
        self.text, self.at = text, 2
        self.found = []  # spellings: what S_, S0_, … stand for
        self.args = None  # of the template that is read: what T_, T0_, … stand for
        self.in_lambda = False
        self.depth = 0

    def outermost(self):
        head = ""
        if self._peek() == "T":
            kind = self._take(2)[1]
            if kind not in _THUNKS:
                raise Unsure
            head = _THUNKS[kind]
            for _ in range(1 + (kind == "v")):
                self._number()
                self._expect("_")
        text = head + self._name().text + "()"
        if len(text) > MAX_TEXT or not _CLONE.match(self.text, self.at):
            raise Unsure
        return text

    # ---- characters --------------------------------------------------------------------------

    def _peek(self):
        return self.text[self.at]

    def _take(self, count=1):
        self.at += count
        if self.at > len(self.text):
            raise Unsure
        return self.text[self.at - count : self.at]

    def _peeks(self, what):
        return self.text.startswith(what, self.at)

    def _is(self, what):
        found = self._peeks(what)
        self.at += len(what) * found
        return found

    def _expect(self, what):
        if not self._is(what):
            raise Unsure

    def _number(self):
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise Unsure
        self.at = match.end()
        return match.group()

    def _sequence(self, base=36):
        """`_` is 0, `0_` is 1, …"""
        end = self.text.find("_", self.at)
        digits = self.text[self.at : end]
        if end < 0 or len(digits) > 4 or digits and not digits.isalnum():
            raise Unsure
        self.at = end + 1
        try:
            return int(digits, base) + 1 if digits else 0
        except ValueError:
            raise Unsure from None

    # ---- names -------------------------------------------------------------------------------

    def _name(self):
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Unsure
        char = self._peek()
        made = self._nested() if char == "N" else self._local() if char == "Z" else self._short()
        self.depth -= 1
        if len(made.text) > MAX_TEXT:
            raise Unsure
        return made

    def _short(self):
        """Without a class around it; `std` may be."""
        if self._peek() == "S" and not self._peeks("St"):
            made = self._substituted()
        else:
            made = self._unqualified(_Name("std") if self._is("St") else None)
        if self._peeks("I"):
            if not made.is_known:
                self.found.append(named(made.text, made.last))
            made = self._with_arguments(made)
        return made

    def _nested(self):
        self._expect("N")
        after = ""
        while self._peek() in _QUALIFIERS:
            after = _QUALIFIERS[self._take()] + after
        if self._peek() in _REFERENCES:
            after += _REFERENCES[self._take()]
        made = self._component(None)
        while not self._is("E"):
            if not made.is_known:
                self.found.append(named(made.text, made.last))
            made = self._component(made)
        made.after = after
        return made

    def _component(self, outer):
        char = self._peek()
        if char == "I":
            if outer is None or outer.args is not None:
                raise Unsure
            return self._with_arguments(outer)
        if char == "S" and outer is None:
            return _Name("std", is_known=True) if self._is("St") else self._substituted()
        if char == "T" and outer is None:
            return _Name(whole(self._parameter()))
        return self._unqualified(outer)

    def _substituted(self):
        text, right, kind, last = self._substitution()
        if right or kind:
            raise Unsure
        return _Name(text, last, is_known=True)

    def _unqualified(self, outer):
        char = self._peek()
        is_own = self._is("L")  # to its file
        if char in "CD" and outer is not None and self.text[self.at + 1] in "012345":
            made = self._structor(outer)
        elif is_own or char.isdigit():
            text = self._identifier()
            made = _Name(text, text)
            if is_own:
                self._discriminator()
        elif char == "U":
            made = self._unnamed()
        else:
            made = self._operator()
        while self._is("B"):
            made.text += "[abi:%s]" % self._identifier()
        if outer is not None:
            made.text = outer.text + "::" + made.text
        return made

    def _structor(self, outer):
        kind = self._take(2)
        if outer.last is None or kind not in ("C1", "C2", "C3", "C4", "D0", "D1", "D2", "D4"):
            raise Unsure
        text = ("~" if kind[0] == "D" else "") + outer.last
        return _Name(text, text, has_result=False)

    def _identifier(self):
        digits = self._number()
        if digits[0] in "n0" or len(digits) > 4:
            raise Unsure
        text = self._take(int(digits))
        is_anonymous = text.startswith("_GLOBAL_") and text[8] in "._$" and text[9] == "N"
        return "(anonymous namespace)" if is_anonymous else text

    def _unnamed(self):
        kind = self._take(2)
        if kind == "Ut":
            text = "{unnamed type#%d}" % (self._sequence(10) + 1)
        elif kind == "Ul":
            was, self.in_lambda = self.in_lambda, True
            arguments = self._arguments()
            self.in_lambda = was
            self._expect("E")
            text = "{lambda(%s)#%d}" % (arguments, self._sequence(10) + 1)
        else:
            raise Unsure
        return _Name(text)

    def _operator(self):
        two = self._take(2)
        if two == "cv":
            around, self.args = self.args, None  # its own come later
            made = _Name("operator " + whole(self._type()), has_result=False)
            self.args = around
            return made
        if two not in types.OPERATORS:
            raise Unsure
        return _Name("operator" + types.OPERATORS[two])

    def _local(self):
        """`Z function E name`: in a function."""
        self._expect("Z")
        around = self.args
        function = self._encoding()
        self._expect("E")
        if self._peek() in "ds":
            raise Unsure
        self.args = around
        made = self._name()
        self._discriminator()
        made.text = function + "::" + made.text
        return made

    def _discriminator(self):
        if self._is("__"):
            self._number()
            self._expect("_")
        elif self._is("_"):
            self._number()

    def _encoding(self):
        """With its arguments, without its result."""
        made = self._name()
        if self._peeks("E"):
            return made.text
        self.args = made.args or self.args
        if made.args is not None and made.has_result:
            self._type()
        return "%s(%s)%s" % (made.text, self._arguments(), made.after)

    def _arguments(self):
        """Of a function, up to where it ends."""
        found = []
        while not self._ends_arguments():
            found.append(whole(self._type()))
        return "" if found == ["void"] else ", ".join(found)

    def _ends_arguments(self):
        return self._peek() == "E" or self._peek() in _REFERENCES and self.text[self.at + 1] == "E"

    # ---- templates ---------------------------------------------------------------------------

    def _with_arguments(self, name):
        self._expect("I")
        around, args = self.args, []
        while not self._is("E"):
            args.append(self._template_argument())
            self.args = around
        shown = [one for arg in args for one in (arg if isinstance(arg, list) else [arg])]
        text = types.template(name.text, shown)
        self.args = args
        return _Name(text, name.last, has_result=name.has_result, args=args)

    def _template_argument(self):
        if self._is("L"):
            return named(self._literal())
        if self._is("J"):
            found = []
            while not self._is("E"):
                one = self._template_argument()
                found += one if isinstance(one, list) else [one]
            return found
        return self._type()

    def _literal(self):
        kind = self._peek()
        if kind in "_Zfdeg":
            raise Unsure
        type_, value = whole(self._type()), self._number()
        self._expect("E")
        if kind == "b" and value in ("0", "1"):
            return "true" if value == "1" else "false"
        value = value.replace("n", "-")
        return value + _LITERALS[kind] if kind in _LITERALS else "(%s)%s" % (type_, value)

    def _parameter(self):
        self._expect("T")
        number = self._sequence()
        if self.in_lambda:
            return named("auto:%d" % (number + 1))
        if self.args is None or number >= len(self.args):
            raise Unsure
        found = self.args[number]
        return found if isinstance(found, tuple) else self._unknown()

    # ---- types -------------------------------------------------------------------------------

    def _type(self):
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Unsure
        char = self._peek()
        if char in types.BUILTINS:
            found = named(types.BUILTINS[self._take()])
        elif char == "D":
            found = named(types.BUILTINS.get(self._take(2)) or self._unknown())
        elif char == "S" and not self._peeks("St"):
            found = self._substituted_type()
        else:
            found = self._new_type(char)
            self.found.append(found)
        self.depth -= 1
        if len(found[0]) + len(found[1]) > MAX_TEXT:
            raise Unsure
        return found

    @staticmethod
    def _unknown():
        raise Unsure

    def _new_type(self, char):
        if char in "PRO":
            self._take()
            return types.pointer(self._type(), {"P": "*", "R": "&", "O": "&&"}[char])
        if char in _QUALIFIERS:
            return self._qualified_type()
        if char == "F":
            return self._function_type()
        if char == "A":
            self._take()
            length = self._number()
            self._expect("_")
            return types.array(self._type(), length)
        if char == "M":
            self._take()
            owner = whole(self._type())
            return types.member(owner, self._type())
        if char == "T":
            found = self._parameter()
            return found if not self._peeks("I") else self._unknown()
        if char in "NZS" or char.isdigit():
            around = self.args
            made = self._name()
            self.args = around
            return named(made.text, made.last)
        raise Unsure

    def _substituted_type(self):
        found = self._substitution()
        if self._peeks("I"):
            around = self.args
            made = self._with_arguments(_Name(whole(found), found[3]))
            self.args = around
            found = named(made.text, made.last)
            self.found.append(found)
        return found

    def _qualified_type(self):
        words = ""
        while self._peek() in _QUALIFIERS:
            words = _QUALIFIERS[self._take()] + words
        inner = self._function_type() if self._peek() == "F" else self._type()
        return types.qualified(inner, words)

    def _function_type(self):
        self._expect("F")
        self._is("Y")
        result, arguments = self._type(), self._arguments()
        after = _REFERENCES[self._take()] if self._peek() in _REFERENCES else ""
        self._expect("E")
        return types.function(result, arguments, after)

    def _substitution(self):
        self._expect("S")
        if self._peek() in types.STANDARD:
            return named(*types.STANDARD[self._take()])
        number = self._sequence()
        if number >= len(self.found):
            raise Unsure
        return self.found[number]
