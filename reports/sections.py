"""The sections of the text report's summary: who and when, kernel, phases, sites, memory."""

from __future__ import annotations

from collections import namedtuple

from alloctrace import words
from alloctrace.escape import visible
from reports import endings, memory_table, process_tree, sentences, site_table, tables, through_time
from reports.ink import cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NamedTuple

    from reports.ink import Ink

_SYSCALLS = ("brk", "mmap", "munmap", "mremap", "mprotect", "madvise")
PHASE_HEAD = ["phase", "took", "calls", "brk/mmap", "asked", "mapped", "resident", "faults"]


# Rows of a table that has one for each origin and name, of sites, of processes: as many as there
# is room for.
if TYPE_CHECKING:

    class Limits(NamedTuple):
        names: int
        sites: int
        processes: int

else:
    Limits = namedtuple("Limits", "names sites processes")
LIMITS = [
    Limits(16, 10, 16),
    Limits(13, 8, 13),
    Limits(10, 7, 10),
    Limits(8, 5, 8),
    Limits(6, 4, 6),
    Limits(5, 3, 5),
    Limits(4, 2, 4),
]


def together(summary: dict[str, Any], ink: Ink, limits: Limits = LIMITS[0]) -> Iterator[str]:
    """Every section, each with an empty line before it."""
    made = [
        matrix(summary, ink, limits.names),
        kernel(summary, ink, limits.names // 2),
        phases(summary, ink),
        sites(summary, ink, limits.sites),
        memory(summary, ink),
        live(summary, ink),
        process_tree.section(summary, ink, limits.processes),
        understood(summary, ink),
    ]
    for section in made:
        lines = list(section)
        if lines:
            yield ""
            yield from lines


def brief(summary: dict[str, Any], ink: Ink) -> Iterator[str]:
    """The figures that fit under a list of events."""
    for line in ink.wrap(memory_table.sentence(summary), ink.width):
        yield ink.dim(line)
    tree = list(process_tree.section(summary, ink))
    if tree:
        yield ""
        yield from tree


def title(text: str, said: str, ink: Ink) -> Iterator[str]:
    """A heading, and what is said of the whole: beneath it where there is no room beside."""
    if said and cells(text) + 2 + cells(said) <= ink.width:
        yield "%s  %s" % (ink.bold(text), ink.dim(said))
        return
    yield ink.bold(text)
    for line in ink.wrap(said, ink.width - 2):
        yield ink.dim("  " + line)


def matrix(summary: dict[str, Any], ink: Ink, most: int = LIMITS[0].names) -> Iterator[str]:
    """Origin x name by phase: how often, and the bytes asked for."""
    for kind, text, last in (
        ("call", "Calls", "asked for"),
        ("syscall", "Memory syscalls", "length"),
    ):
        cells = matrix_cells(summary["totals"], kind)
        if not cells:
            continue
        yield from [""] if kind == "syscall" else []
        yield from title(text, _owners(summary["verdict"]) if kind == "call" else "", ink)
        head = ["who", "name", *words.PHASES, "all", last]
        shown, left = tables.largest(
            cells, most, lambda cell: sum(cell.get(phase, 0) for phase in words.PHASES)
        )
        yield from tables.lines(head, list(matrix_rows(shown, ink)), ink, "llrrrrrr")
        yield from tables.left_out(left, ink)


def matrix_cells(totals: list[dict[str, Any]], kind: str) -> dict[tuple[str, str], dict[str, int]]:
    """{(origin, name): {phase: count, "bytes": n}}, in the order of the totals."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in totals:
        if row["kind"] == kind:
            cell = found.setdefault((row["origin"], row["name"]), {"bytes": 0})
            cell[row["phase"]] = cell.get(row["phase"], 0) + row["count"]
            cell["bytes"] += row["bytes"]
    return dict(sorted(found.items(), key=lambda item: _place(*item[0])))


def _place(origin: str, name: str) -> tuple[int, int]:
    names = words.ENTRY_POINTS + _SYSCALLS
    return words.ORIGINS.index(origin), names.index(name) if name in names else len(names)


def _owners(figures: dict[str, Any]) -> str:
    """`runtime: Rust 15, C 2`; "" for none."""
    owners = sorted(figures["runtime_owners"].items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join("%s %s" % (visible(o), sentences.grouped(n)) for o, n in owners)
    return "runtime: " + shown if shown else ""


def matrix_rows(cells: dict[tuple[str, str], dict[str, int]], ink: Ink) -> Iterator[list[str]]:
    before = None
    for (origin, name), cell in cells.items():
        counts = [cell.get(phase, 0) for phase in words.PHASES]
        shown = [sentences.grouped(n) if n else ink.signs.dot for n in counts]
        asked = sentences.short_size(cell["bytes"]) if cell["bytes"] else ink.signs.dot
        who = "" if origin == before else origin
        yield [who, visible(name), *shown, sentences.grouped(sum(counts)), asked]
        before = origin


def kernel(summary: dict[str, Any], ink: Ink, most: int = LIMITS[0].names // 2) -> Iterator[str]:
    """Which calls reached the kernel, and which did not."""
    causes = summary["causes"]
    if not causes["calls"] and not causes["syscalls"]:
        return
    yield from title("What reached the kernel", kernel_words(causes), ink)
    reached = {at: row for at, row in enumerate(summary["reached_kernel"])}
    reached = {at: row for at, row in reached.items() if row["calls_reaching_kernel"]}
    shown, left = tables.largest(reached, most, lambda row: int(row["calls_reaching_kernel"]))
    rows = [
        [row["origin"], visible(row["name"]), sentences.grouped(row["calls"])]
        + [sentences.grouped(row["calls_reaching_kernel"]), made(row, ink)]
        for row in shown.values()
    ]
    if rows:
        yield from tables.lines(["who", "call", "calls", "reached", "made"], rows, ink, "llrrl")
    yield from tables.left_out(left, ink)


def kernel_words(causes: dict[str, int]) -> str:
    calls, alone = causes["calls"], causes["syscalls_without_call"]
    said = []
    if calls:
        reached = sentences.grouped(causes["calls_reaching_kernel"])
        said.append("%s of %s" % (reached, sentences.count(calls, "call")))
    if alone:
        said.append("%s made by no call" % sentences.count(alone, "memory syscall"))
    elif causes["syscalls"]:
        said.append("each memory syscall was made by a call")
    return "; ".join(said)


def made(row: dict[str, Any], ink: Ink) -> str:
    return ", ".join(
        "%s %s %s" % (visible(name), ink.signs.times, sentences.grouped(number))
        for name, number in sorted(row["syscalls"].items(), key=lambda item: -int(item[1]))
    )


def phases(summary: dict[str, Any], ink: Ink) -> Iterator[str]:
    """What each phase asked for, and what it really took."""
    rows = phase_rows(summary, ink)
    if not rows:
        return
    yield from title(
        "Phases", "asking is not touching: a page is resident from its first fault", ink
    )
    yield from tables.lines(PHASE_HEAD, rows, ink, "lrrrrrrr")


def phase_rows(summary: dict[str, Any], ink: Ink) -> list[list[str]]:
    """Of one program: the phases of several say nothing together."""
    if summary["sums_over"]["programs"] > 1:
        return []
    return [phase_row(row, ink) for row in summary["phases"] if row["reached"]]


def phase_row(row: dict[str, Any], ink: Ink) -> list[str]:
    took, known = ink.signs.dot, None not in (row["start_ns"], row["end_ns"])
    if known and row["end_ns"] > row["start_ns"]:  # else its beginning was the last that was seen
        took = sentences.duration(row["end_ns"] - row["start_ns"])
    return [
        row["phase"],
        took,
        _number(row["calls"], ink),
        _number(row["brk_mmap"], ink),
        sentences.short_size(row["allocated_bytes"]) if row["allocated_bytes"] else ink.signs.dot,
        _grown(row["mapped_bytes_grown"], ink),
        _grown(row["rss_bytes_grown"], ink),
        "?" if row["minor_faults_grown"] is None else _number(row["minor_faults_grown"], ink),
    ]


def _number(value: int | None, ink: Ink) -> str:
    return sentences.grouped(value) if value else ink.signs.dot


def _grown(value: int | None, ink: Ink) -> str:
    if not value:
        return ink.signs.dot if value == 0 else "?"
    return ("+" if value > 0 else "") + sentences.short_size(value)


def sites(summary: dict[str, Any], ink: Ink, most: int = LIMITS[0].sites) -> Iterator[str]:
    """Where memory was asked for, most bytes first."""
    rows = summary["sites"][:most]
    if rows:
        yield from title("Sites", site_table.heading(rows, summary), ink)
        yield from site_table.lines(rows, ink)


def memory(summary: dict[str, Any], ink: Ink) -> Iterator[str]:
    """Peak, temporary and left, by origin."""
    peak = summary["peak"]
    said = endings.what_live_means(summary)
    if peak["phase"]:
        said += "; the peak was in %s" % peak["phase"]
    yield from title("Memory", said, ink)
    yield from tables.lines(memory_table.HEAD, memory_table.rows(summary, ink), ink, "lrrrrrr")


def live(summary: dict[str, Any], ink: Ink) -> Iterator[str]:
    """Live bytes through the run, drawn."""
    rows = through_time.picture(summary, ink)
    if not rows:
        return
    said = "time from left to right, one scale for all"
    if through_time.has_unknown(rows, ink):
        said = "over time, one scale for all; %s not known" % through_time.unknown(ink)
    yield from title("Live bytes through the run", said, ink)
    for who, line, most in rows:
        name = ink.column(who, through_time.NAME)
        width = ink.width - 2 - through_time.NAME - through_time.VALUE
        drawn = ink.origin(who, ink.column(line, width)) if most else ink.dim(line)
        yield ("  %s%s %s" % (name, drawn, most)).rstrip()


def understood(summary: dict[str, Any], ink: Ink) -> Iterator[str]:
    """How much of what the loader and the runtimes asked for is understood."""
    known = summary["purpose_known"]
    if known["share"] is not None:
        events = sentences.count(known["events"], "event")
        share = sentences.percent(known["share"])
        text = "%s of %s of the loader and runtimes (%s) %s a known purpose"
        have = "has" if known["known"] == 1 else "have"
        yield ink.dim(text % (sentences.grouped(known["known"]), events, share, have))
