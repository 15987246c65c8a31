"""`via`: the libraries that acted for their caller, for people, outermost first."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from alloctrace.model import Frame
    from alloctrace.origin.table import Row

    ViaState = tuple[tuple[str, ...], Optional[str], Optional[tuple[str, bool]]]

MAX_NAMES = 6  # of a long chain the outermost ones


class Via:
    """Collects the frames that were passed through, innermost first.

    Of the functions of one library that called each other, people know the outermost one, which
    the caller named; inside it only those with a row of public names are worth a word.
    """

    def __init__(self) -> None:
        self._found: tuple[str, ...] = ()  # names that are told, innermost first
        self._module: str | None = None
        # Of the outermost frame so far: its name, and whether it is public.
        self._last: tuple[str, bool] | None = None

    def add(self, module: str, word: tuple[str, bool]) -> None:
        """`word`: of the frame, as `word` gives it."""
        if self._last is not None and (module != self._module or _is_worth_a_word(*self._last)):
            self._found = self._with_last()
        self._module, self._last = module, word

    def is_empty(self) -> bool:
        return self._last is None

    def state(self) -> ViaState:
        """All that what is added later meets with."""
        return self._found, self._module, self._last

    def names(self) -> tuple[str, ...]:
        found = self._found if self.is_empty() else self._with_last()
        return found[::-1][:MAX_NAMES]

    def _with_last(self) -> tuple[str, ...]:
        text = self._last[0] if self._last else ""
        return self._found + (text,) if text and text not in self._found else self._found


def _is_worth_a_word(text: str, is_public: bool) -> bool:
    return is_public or ("::" in text and "::_" not in text)


def word(frame: Frame, name: str | None, row: Row | None) -> tuple[str, bool]:
    """(text, is public) of a frame that is passed through."""
    return _text(name, frame.module), row is not None and row.public


def _text(name: str | None, module: str) -> str:
    """Rust's or C++'s module, the function, or the library's name where it has none."""
    if name is None:
        return module
    if "::" in name:
        return "::".join([part for part in name.split("::") if not part.startswith("{")][:2])
    if name.startswith("__") and name.endswith("_internal"):
        name = name[: -len("_internal")]  # what glibc calls a public function's body
    return name if name.startswith("__cxa") else name.lstrip("_") or name
