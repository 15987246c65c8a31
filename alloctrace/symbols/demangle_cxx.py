"""C++ names as linkers have them -> as gdb shows them, but for results and arguments.

`demangle("_ZNSt6vectorIiSaIiEE9push_backERKi")` is `std::vector<int, std::allocator<int>
>::push_back()`: without its own result and arguments. None where this is not sure to say what gdb
says. Grammar: Itanium C++ ABI, 5.1 "External Names"; spelling: libiberty's cp-demangle.c, gdb's.
"""

from __future__ import annotations

from alloctrace.patterns import Pattern

from . import demangle_types as types
from .demangle_text import Text
from .demangle_types import LITERALS, QUALIFIERS, REFERENCES, Name, Unsure, named, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .demangle_types import Argument, Spelling

MAX_MANGLED = 1024  # characters: gdb leaves longer ones as they are (DEMANGLE_RECURSION_LIMIT)
MAX_TEXT = 4096  # as symbol_names.MAX_NAME: what is longer would be cut
_MAX_DEPTH = 60
_CLONE = Pattern(r"[A-Za-z0-9_]*(?:\.(?:[a-z_]+|\d+)(?:\.\d+)*)*\Z")
_EXPRESSION = Pattern(r"D[tT]|X|L_Z")  # what may begin one; some gdb gives up at
_THUNKS = {"h": "non-virtual thunk to ", "v": "virtual thunk to "}


def demangle(name: str) -> str | None:
    """`name` without its own result and arguments, or None."""
    if not name.startswith("_Z") or len(name) > MAX_MANGLED or not name.isascii():
        return None
    try:
        return _Reader(name).outermost()
    except (Unsure, IndexError):
        return None


class _Reader(Text):
    def __init__(self, text: str) -> None:
        super().__init__(text, 2)
        self.found: list[Spelling] = []  # what S_, S0_, … stand for
        self.args: list[Argument] | None = None  # of the template that is read: T_, T0_, …
        self.in_lambda = False  # in whose arguments T_ is auto
        self.parameters = 0
        self.counted = MAX_MANGLED  # so many of `found` are counted by gdb as they are here
        self.said = ""  # the last identifier: constructors are called so by gdb
        self.resting: dict[int, bool] = {}  # on T_: by index of `found`, whether in a lambda
        self.depth = 0

    def outermost(self) -> str:
        head = ""
        if self._peek() == "T":
            kind = self._take(2)[1]
            if kind not in _THUNKS:
                raise Unsure
            head = _THUNKS[kind]
            for _ in range(1 + (kind == "v")):
                self._number()
                self._expect("_")
        made = self._name()
        text = head + made.text + "()"
        if len(text) > MAX_TEXT or not _CLONE.match(self.text, self.at):
            raise Unsure
        if _EXPRESSION.search(self.text, self.at):
            self._read_rest(made)
        return text

    def _read_rest(self, name: Name) -> None:
        """A name of which gdb does not understand the result or the arguments stays as it is."""
        self.args = name.args or self.args
        while self.at < len(self.text) and self._peek() != ".":
            self._type()

    def _add(self, spelling: Spelling, parameters: int) -> None:
        """To what may be spoken of again; `parameters`: how many there were where it began."""
        if self.parameters != parameters:
            self.resting[len(self.found)] = self.in_lambda
        self.found.append(spelling)

    # ---- names -------------------------------------------------------------------------------

    def _name(self) -> Name:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Unsure
        char = self._peek()
        made = self._nested() if char == "N" else self._local() if char == "Z" else self._short()
        self.depth -= 1
        if len(made.text) > MAX_TEXT:
            raise Unsure
        return made

    def _short(self) -> Name:
        """Without a class around it; `std` may be."""
        before = self.parameters
        if self._peek() == "S" and not self._peeks("St"):
            made = self._substituted()
        else:
            made = self._unqualified(Name("std") if self._is("St") else None)
        if self._peeks("I"):
            if not made.is_known:
                self._add(named(made.text, made.last), before)
            made = self._with_arguments(made)
        return made

    def _nested(self) -> Name:
        self._expect("N")
        after, before = "", self.parameters
        while self._peek() in QUALIFIERS:
            after = QUALIFIERS[self._take()] + after
        if self._peek() in REFERENCES:
            after += REFERENCES[self._take()]
        made = self._component(None)
        while not self._is("E"):
            if not made.is_known:
                self._add(named(made.text, made.last), before)
            made = self._component(made)
        made.after = after
        return made

    def _component(self, outer: Name | None) -> Name:
        char = self._peek()
        if char == "I":
            if outer is None or outer.args is not None:
                raise Unsure
            return self._with_arguments(outer)
        if char == "S" and outer is None:
            return Name("std", is_known=True) if self._is("St") else self._substituted()
        if char == "T" and outer is None:
            return Name(whole(self._parameter()))
        return self._unqualified(outer)

    def _substituted(self) -> Name:
        text, right, kind, last = self._substitution()
        if right or kind:
            raise Unsure
        return Name(text, last, is_known=True)

    def _unqualified(self, outer: Name | None) -> Name:
        char = self._peek()
        is_own = self._is("L")  # to its file
        if char in "CD" and outer is not None and self.text[self.at + 1] in "012345":
            made = self._structor(outer)
        elif is_own or char.isdigit():
            text = self._identifier()
            made = Name(text, text)
            if is_own:
                self._discriminator()
        elif char == "U":
            made = self._unnamed()
        else:
            made = self._operator()
        said = self.said
        while self._is("B"):
            made.text += "[abi:%s]" % self._identifier()
        self.said = said
        if outer is not None:
            made.text = outer.text + "::" + made.text
        return made

    def _structor(self, outer: Name) -> Name:
        kind = self._take(2)
        if outer.last != self.said or kind not in "C1 C2 C3 C4 D0 D1 D2 D4".split():
            raise Unsure
        text = ("~" if kind[0] == "D" else "") + outer.last
        return Name(text, text, has_result=False)

    def _identifier(self) -> str:
        digits = self._number()
        if digits[0] in "n0" or len(digits) > 4:
            raise Unsure
        text = self._take(int(digits))
        if "$" in text:
            raise Unsure  # Rust's, or nobody's
        is_anonymous = text.startswith("_GLOBAL_") and text[8] in "._$" and text[9] == "N"
        self.said = "(anonymous namespace)" if is_anonymous else text
        return self.said

    def _unnamed(self) -> Name:
        kind = self._take(2)
        if kind == "Ut":
            self.counted = min(self.counted, len(self.found))
            text = "{unnamed type#%d}" % (self._sequence(10) + 1)
        elif kind == "Ul":
            was, self.in_lambda = self.in_lambda, True
            arguments = self._arguments()
            self.in_lambda = was
            self._expect("E")
            text = "{lambda(%s)#%d}" % (arguments, self._sequence(10) + 1)
        else:
            raise Unsure
        return Name(text)

    def _operator(self) -> Name:
        two = self._take(2)
        if two == "cv":
            around, self.args = self.args, None  # its own come later
            made = Name("operator " + whole(self._type()), has_result=False)
            self.args = around
            return made
        if two not in types.OPERATORS:
            raise Unsure
        return Name("operator" + types.OPERATORS[two])

    def _local(self) -> Name:
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

    def _discriminator(self) -> None:
        if self._is("__"):
            self._number()
            self._expect("_")
        elif self._is("_"):
            self._number()

    def _encoding(self) -> str:
        """With its arguments, without its result."""
        made = self._name()
        if self._peeks("E"):
            return made.text
        self.args = made.args or self.args
        if made.args is not None and made.has_result:
            self._type()
        return "%s(%s)%s" % (made.text, self._arguments(), made.after)

    def _arguments(self) -> str:
        """Of a function, up to where it ends."""
        found = []
        while not self._ends_arguments():
            found.append(whole(self._type()))
        return "" if found == ["void"] else ", ".join(found)

    def _ends_arguments(self) -> bool:
        return self._peek() == "E" or self._peek() in REFERENCES and self.text[self.at + 1] == "E"

    # ---- templates ---------------------------------------------------------------------------

    def _with_arguments(self, name: Name) -> Name:
        self._expect("I")
        around, said = self.args, self.said
        args: list[Argument] = []
        while not self._is("E"):
            args.append(self._template_argument())
            self.args = around
        if [] in args[:-1]:
            raise Unsure  # gdb shows the comma behind an empty pack
        shown = [one for arg in args for one in (arg if isinstance(arg, list) else [arg])]
        text = types.template(name.text, shown)
        self.args, self.said = args, said
        return Name(text, name.last, has_result=name.has_result, args=args)

    def _template_argument(self) -> Argument:
        if self._is("L"):
            return named(self._literal())
        if self._is("J"):
            found: list[Spelling] = []
            while not self._is("E"):
                one = self._template_argument()
                found += one if isinstance(one, list) else [one]
            return found
        return self._type()

    def _literal(self) -> str:
        kind = self._peek()
        if kind in "_Zfdeg":
            raise Unsure
        type_, value = whole(self._type()), self._number()
        self._expect("E")
        if kind == "b" and value in ("0", "1"):
            return "true" if value == "1" else "false"
        value = value.replace("n", "-")
        return value + LITERALS[kind] if kind in LITERALS else "(%s)%s" % (type_, value)

    def _parameter(self) -> Spelling:
        self._expect("T")
        number = self._sequence()
        self.parameters += 1
        if self.in_lambda:
            return named("auto:%d" % (number + 1))
        if self.args is None or number >= len(self.args):
            raise Unsure
        found = self.args[number]
        return found if isinstance(found, tuple) else self._unknown()

    # ---- types -------------------------------------------------------------------------------

    def _type(self) -> Spelling:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise Unsure
        char, before = self._peek(), self.parameters
        if char in types.BUILTINS:
            found = named(types.BUILTINS[self._take()])
        elif char == "D":
            found = named(types.BUILTINS.get(self._take(2)) or self._unknown())
        elif char == "S" and not self._peeks("St"):
            found = self._substituted_type()
        else:
            found = self._new_type(char)
            self._add(found, before)
        self.depth -= 1
        if len(found[0]) + len(found[1]) > MAX_TEXT:
            raise Unsure
        return found

    @staticmethod
    def _unknown() -> NoReturn:
        raise Unsure

    def _new_type(self, char: str) -> Spelling:
        if char in "PRO":
            self._take()
            return types.pointer(self._type(), {"P": "*", "R": "&", "O": "&&"}[char])
        if char in QUALIFIERS:
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

    def _substituted_type(self) -> Spelling:
        before = self.parameters
        found = self._substitution()
        if self._peeks("I"):
            around = self.args
            made = self._with_arguments(Name(whole(found), found[3]))
            self.args = around
            found = named(made.text, made.last)
            self._add(found, before)
        return found

    def _qualified_type(self) -> Spelling:
        words = ""
        while self._peek() in QUALIFIERS:
            words = QUALIFIERS[self._take()] + words
        inner = self._function_type() if self._peek() == "F" else self._type()
        return types.qualified(inner, words)

    def _function_type(self) -> Spelling:
        self._expect("F")
        self._is("Y")
        result, arguments = self._type(), self._arguments()
        after = REFERENCES[self._take()] if self._peek() in REFERENCES else ""
        self._expect("E")
        return types.function(result, arguments, after)

    def _substitution(self) -> Spelling:
        self._expect("S")
        if self._peek() in types.STANDARD:
            text, self.said = types.STANDARD[self._take()]
            return named(text, self.said)
        number = self._sequence()
        if number >= min(len(self.found), self.counted):
            raise Unsure
        if self.resting.get(number, self.in_lambda) != self.in_lambda:
            raise Unsure  # gdb reads T_ as of where it is spoken of
        self.parameters += number in self.resting
        return self.found[number]
