"""Tables that stand under single steps of the article's page, from the facts of this run."""

from __future__ import annotations

from alloctrace.escape import visible
from article.claims_files import FLAGS
from article.claims_kernel import brk_mmap
from reports.markdown_text import escape, fenced, table
from reports.sentences import count, grouped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from article.words import Fact, Facts


def lines(claim: int, programs: Facts) -> list[str]:
    """Lines of Markdown under the step, or []. `programs`: {name: facts}."""
    figure = _FIGURES.get(claim)
    if figure is None:
        return []
    names, draw = figure
    if not all(name in programs for name in names):
        return []
    return draw(*(programs[name] for name in names))


def _small_builds(*rows: Fact) -> list[str]:
    labels = ["none", *(flag for flag, _ in FLAGS), "all four"]
    head = ["flags", "bytes", "mmap", "loader's calls", "needed files"]
    made = [
        [
            label,
            grouped(row["file"]["bytes"]),
            str(brk_mmap(row)[1]),
            str(row["loader_calls"]),
            escape(", ".join(row["file"]["needed"])),
        ]
        for label, row in zip(labels, rows)
    ]
    return table(head, "lrrrl", made)


def _ways_down(*rows: Fact) -> list[str]:
    """From the user's function down to malloc, one a line."""
    ways: list[str] = []
    for row in rows:
        stack = row["first_user_stack"]
        names = reversed(stack["functions"]) if stack else ()
        ways += ["", *("  " * depth + visible(name) for depth, name in enumerate(names))]
    return fenced("text", ways[1:]) if any(ways) else []


def _for_each_library(few: Fact, many: Fact) -> list[str]:
    kinds = {**many["loader_kinds"], **few["loader_kinds"]}
    rows = [[escape(kind), *(_number(row, kind) for row in (few, many))] for kind in kinds]
    rows.append(["all", str(few["loader_calls"]), str(many["loader_calls"])])
    libraries = [len(row["libraries"]) for row in (few, many)]
    head = ["the loader asks for", *("with " + count(n, "library", "libraries") for n in libraries)]
    return table(head, "lrr", rows)


def _number(row: Fact, kind: str) -> str:
    return str(len(row["loader_kinds"].get(kind, ())) or "none")


def _entries(row: Fact) -> list[str]:
    rows = [
        [
            str(entry["seq"]),
            grouped(entry["size"]),
            entry["phase"],
            escape(_who(entry)),
            escape(entry["purpose"] or "unknown"),
        ]
        for entry in row["malloc_entries"]
    ]
    return table(["event", "bytes", "phase", "who", "for"], "rrlll", rows)


def _who(entry: Fact) -> str:
    if entry["origin"] == "runtime" and entry["owner"]:
        return "runtime (%s)" % entry["owner"]
    if entry["origin"] == "user" and entry["via"]:
        return "user, via %s" % entry["via"][0]
    return str(entry["origin"])


def _doubling(row: Fact) -> list[str]:
    head = ["event", "from", "to", "pointer", "syscalls"]
    return table(head, "rrrll", map(_step, row["doubling"]))


def _step(step: Fact) -> list[str]:
    moved = {True: "moved", False: "the same", None: "not seen"}[step["moved"]]
    start = "not seen" if step["from"] is None else grouped(step["from"])
    syscalls = escape(" ".join(step["syscalls"])) or "none"
    return [str(step["seq"]), start, grouped(step["to"]), moved, syscalls]


# claim: (the programs that it needs, what draws it)
_FIGURES: dict[int, tuple[tuple[str, ...], Callable[..., list[str]]]] = {
    13: (("empty", *(name for _, name in FLAGS), "empty.small"), _small_builds),
    21: (("boxed.debug", "vec_fn"), _ways_down),
    24: (("success", "vec"), _for_each_library),
    25: (("vec",), _entries),
    35: (("vec",), _doubling),
}
