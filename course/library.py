"""Which lessons there are. A file of lessons/ is a lesson; nothing else is to be told of it."""

from __future__ import annotations

import os

from course import reading
from course.items import LessonError
from start.errors import USAGE, UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from course.lesson import Lesson, Value

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "lessons")


def paths(folder: str = FOLDER) -> list[str]:
    return sorted(
        os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".lesson")
    )


def common() -> dict[str, Value]:
    """What every lesson can measure."""
    with open(os.path.join(HERE, "common.values"), encoding="utf-8") as file:
        return reading.read_values(file.read(), "common.values")


def lessons(folder: str = FOLDER) -> list[Lesson]:
    """Every Lesson, in order; raises UserError of one that cannot be read."""
    values = common()
    return [_read(path, values) for path in paths(folder)]


def names(folder: str = FOLDER) -> list[str]:
    """Of every lesson, in order."""
    return [_number_and_name(path)[1] for path in paths(folder)]


def _number_and_name(path: str) -> tuple[str, str]:
    number, _, name = os.path.basename(path)[: -len(".lesson")].partition("-")
    return number, name


def lesson(word: str, folder: str = FOLDER) -> Lesson:
    """The Lesson of that name or number, or in that file; raises UserError."""
    if word.endswith(".lesson"):
        return _read(word, common())
    for path in paths(folder):
        number, name = _number_and_name(path)
        if word in (name, number, number.lstrip("0")):
            return _read(path, common())
    known = ", ".join(names(folder))
    raise UserError("no lesson is called %s; there are %s" % (shown(word), known), USAGE)


def _read(path: str, values: dict[str, Value]) -> Lesson:
    try:
        return reading.read_file(path, values)
    except LessonError as error:
        raise UserError(shown(str(error))) from None
    except OSError as error:
        raise UserError("%s: %s" % (shown(path), error.strerror)) from None
