"""Runs an evaluator's three designs under brkpoint, and times them: `make evaluator-story`.

`measure` gives what article/designs.py tells.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from article import designs
from reports import ink, observed
from start.errors import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from article.words import Fact, Facts

    Cost = tuple[float, int]  # processor seconds, page faults

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIZES = (
    1000,
    10000,
    100000,
)  # bytes of an expression; an argument of a program has at most 128 KiB
LONG = 1000  # of the one that is run under brkpoint
ROUNDS, TURNS = 17, 5
REPEAT = "make evaluator-story"


def measure(commands: Mapping[str, list[str]], folder: str | None = None) -> Fact:
    """What was measured. `commands`: {name: its words} of the three; `folder`: for the
    traces.

    It measures time: run nothing beside it. Raises UserError.
    """
    with tempfile.TemporaryDirectory() as passing:
        traces = folder or passing
        found: Facts = {name: {"told": designs.TOLD[name]} for name in designs.TOLD}
        for name, design in found.items():
            path = os.path.join(traces, name + "%s.brkpoint")
            design["small"] = _observed(commands[name], path % "")
            design["long"] = _observed([*commands[name], "1", *texts(LONG)[:1]], path % ".long")
    for size in SIZES:
        for name, speed in _speeds(commands, texts(size)).items():
            found[name].setdefault("speed", {})[str(size)] = speed
    return {
        "made": time.strftime("%Y-%m-%d, ") + "%s %s" % (platform.system(), platform.release()),
        "recorded": found[designs.LIST]["small"]["recorded"],
        "repeat": REPEAT,
        "sizes": list(SIZES),
        "long_bytes": len(texts(LONG)[0]),
        "designs": found,
    }


# ---- the same expressions for all ----------------------------------------------------------------


def texts(size: int) -> list[str]:
    """Expressions of `size` bytes, together as long as the longest of SIZES; always the same."""
    chance = random.Random(size)
    return [_expression(chance, size) for _ in range(max(SIZES) // size)]


def _expression(chance: random.Random, size: int) -> str:
    """One of about `size` bytes, with parentheses of up to eight levels."""
    parts: list[str] = []
    length = depth = 0
    while length < size - depth - 8:
        opened = chance.randrange(6) == 0 and depth < 8
        number = "%d" if chance.randrange(2) else "%.2f"
        text = "(" * opened + number % (chance.random() * 10 ** chance.randrange(1, 4))
        depth += opened
        if depth and chance.randrange(4) == 0:
            text, depth = text + ")", depth - 1
        parts.append(text + chance.choice((" + ", " - ", "*", "/")))
        length += len(parts[-1])
    return "".join(parts) + "1" + ")" * depth


# ---- under brkpoint, and without -----------------------------------------------------------------


def _observed(words: list[str], path: str) -> Fact:
    """What article/designs.py wants to know of a run of `words`, recorded into `path`."""
    start = [sys.executable, os.path.join(ROOT, "brkpoint"), "run", "--quiet", "--force"]
    done = subprocess.run(
        [*start, "-o", path, "--", *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UserError("%s: %s" % (words[0], said[-1] if said else "it failed"))
    with trace.open(path) as opened:
        summary = summarise(opened)
        if not summary["complete"] or summary["events_lost"]:
            raise UserError("%s: not all of the run was recorded" % words[0])
        return dict(designs.facts(opened.events()), recorded=observed.recorded(summary))


def _speeds(commands: Mapping[str, list[str]], expressions: list[str]) -> Facts:
    """{name: {ns_per_byte, faults}}, in turns; of processor time, less what the start takes."""
    costs: dict[str, tuple[list[Cost], list[Cost]]] = {name: ([], []) for name in commands}
    for _ in range(TURNS):
        for name, words in commands.items():
            for n, found in zip((0, ROUNDS), costs[name]):
                found.append(_cost([*words, str(n), *expressions]))
    size = ROUNDS * sum(map(len, expressions))
    return {
        name: {
            "ns_per_byte": 1e9 * _seconds(name, empty, full) / size,
            "faults": _faults(empty, full) / ROUNDS / len(expressions),
        }
        for name, (empty, full) in costs.items()
    }


def _seconds(name: str, empty: list[Cost], full: list[Cost]) -> float:
    """Of the fastest of each: whatever runs beside them only makes them slower."""
    found = min(row[0] for row in full) - min(row[0] for row in empty)
    if found <= 0:
        raise UserError("%s: too much runs beside it to measure time; try again later" % name)
    return found


def _faults(empty: list[Cost], full: list[Cost]) -> float:
    """The median; less than none is what the start of one run had more than that of another."""
    return max(0, statistics.median(one[1] - other[1] for one, other in zip(full, empty)))


def _cost(words: list[str]) -> Cost:
    """(processor seconds, page faults) of one run."""
    pid = os.posix_spawn(words[0], words, os.environ)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise UserError("%s failed; the targets may be old: make targets" % words[0])
    return used.ru_utime + used.ru_stime, used.ru_minflt


# ---- make evaluator-story ------------------------------------------------------------------------


def main(folder: str = os.path.join(ROOT, "build", "reports")) -> None:
    """Writes evaluator.md and evaluator.json there; the targets are built already."""
    os.makedirs(os.path.join(folder, "evaluator"), exist_ok=True)
    commands = {n: [os.path.join(ROOT, "build", "targets", n)] for n in designs.TOLD}
    measured = measure(commands, os.path.join(folder, "evaluator"))
    texts = {"md": designs.to_markdown(measured), "json": designs.to_json(measured)}
    for ending, text in texts.items():
        with open(os.path.join(folder, "evaluator." + ending), "w", encoding="utf-8") as file:
            file.write(text)
    look = ink.of_stream(sys.stdout)
    print("\n".join(look.wrap(designs.verdict(measured), look.width, "")))
    print("The report: %s" % os.path.relpath(os.path.join(folder, "evaluator.md")))


if __name__ == "__main__":
    main()
