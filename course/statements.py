"""A small program made up from a seed: what course/targets/quiz.c is told to do. Pure."""

from __future__ import annotations

from alloctrace.plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from random import Random

_SMALL, _LARGE = (17, 900), (140000, 900000)
_MIDDLE = (2000, 30000)


@plain
class Statement:
    """`word`: for the program; `text`: for people; `of`: the statement whose block it is."""

    word: str
    text: str
    kind: str
    of: int


def made(random: Random, many: int = 12) -> list[Statement]:
    """Statements, numbered from 1: some ask, some give back, one grows a block, one writes."""
    found: list[Statement] = []
    held: list[int] = []
    for at in range(1, many + 1):
        kind = _kind(random, at, many, held, found)
        if kind == "m":
            size = random.randint(*random.choice((_SMALL, _SMALL, _MIDDLE, _LARGE)))
            found.append(Statement("m%d" % size, "b%d = malloc(%d);" % (at, size), kind, at))
            held.append(at)
            continue
        of = random.choice(held)
        if kind == "f":
            held.remove(of)
            found.append(Statement("f%d" % of, "free(b%d);" % of, kind, of))
        elif kind == "r":
            size = random.randint(1000, 60000)
            text = "b%d = realloc(b%d, %d);" % (of, of, size)
            found.append(Statement("r%d:%d" % (of, size), text, kind, of))
        else:
            found.append(Statement("t%d" % of, "write to every byte of b%d;" % of, kind, of))
    return found


def _kind(random: Random, at: int, many: int, held: list[int], found: list[Statement]) -> str:
    if at <= 3 or not held:
        return "m"
    if at == many - 2 and not any(one.kind == "r" for one in found):
        return "r"
    return random.choice("mmmffrt" if len(held) > 1 else "mmmrt")
