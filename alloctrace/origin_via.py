"""`via`: the libraries that acted for their caller, for people, outermost first."""

from __future__ import annotations

MAX_NAMES = 6  # of a long chain the outermost ones


class Via:
    """Collects the frames that were passed through, innermost first.

    Of the functions of one library that called each other, people know the outermost one, which
    the caller named; inside it only those with a row of public names are worth a word.
    """

    def __init__(self):
        self._found = []  # names of closed runs
        self._module = None
        self._run = []  # (name, is public) of the run of frames in one module

    def add(self, module, word):
        """`word`: of the frame, as `word` gives it."""
        if module != self._module:
            self._close()
            self._module = module
        self._run.append(word)

    def is_empty(self):
        return not self._run and not self._found

    def names(self):
        self._close()
        return tuple(reversed(self._found))[:MAX_NAMES]

    def _close(self):
        for at, (text, is_public) in enumerate(self._run):
            is_outermost = at == len(self._run) - 1
            if is_public or is_outermost or ("::" in text and "::_" not in text):
                if text and text not in self._found:
                    self._found.append(text)
        self._run = []


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
