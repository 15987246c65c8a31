"""`via`: the libraries that acted for their caller, for people, outermost first."""

from __future__ import annotations

MAX_NAMES = 6  # of a long chain the outermost ones


class Via:
    """Collects the frames that were passed through, innermost first.

    Of the functions of one library that called each other, people know the outermost one, which
    the caller named; inside it only those with a row of public names are worth a word.
    """

    def __init__(self):
        self._found = ()  # names that are told, innermost first
        self._module = None
        self._last = None  # (name, is public) of the outermost frame so far

    def add(self, module, word):
        """`word`: of the frame, as `word` gives it."""
        if self._last is not None and (module != self._module or _is_worth_a_word(*self._last)):
            self._found = self._with_last()
        self._module, self._last = module, word

    def is_empty(self):
        return self._last is None

    def state(self):
        """All that what is added later meets with."""
        return self._found, self._module, self._last

    def names(self):
        found = self._found if self.is_empty() else self._with_last()
        return found[::-1][:MAX_NAMES]

    def _with_last(self):
        text = self._last[0]
        return self._found + (text,) if text and text not in self._found else self._found


def _is_worth_a_word(text, is_public):
    return is_public or ("::" in text and "::_" not in text)


def word(frame, name, row):
    """(text, is public) of a frame that is passed through."""
    return _text(name, frame.module), row is not None and row.public


def _text(name, module):
    """Rust's or C++'s module, the function, or the library's name where it has none."""
    if name is None:
        return module
    if "::" in name:
        return "::".join([part for part in name.split("::") if not part.startswith("{")][:2])
    if name.startswith("__") and name.endswith("_internal"):
        name = name[: -len("_internal")]  # what glibc calls a public function's body
    return name if name.startswith("__cxa") else name.lstrip("_") or name
