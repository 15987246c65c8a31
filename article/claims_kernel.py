"""The article's steps about who asks the kernel for memory (1 to 6, 15), from this run's facts.

Each function takes (data, facts): the article's numbers for this step (a section of
article/data/article-2022.ini) and {program: facts}; it returns an Answer. Pure.
"""

from __future__ import annotations

from article.words import Answer, CHANGED, EXPLAINED, FAILS, HOLDS, SAME
from reports.sentences import count, exact_size, grouped, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import SectionProxy

    from article.words import Claim, Fact, Facts


def brk_mmap(row: Fact) -> tuple[int, int]:
    """(brk, mmap) of one program."""
    return row["memory_syscalls"].get("brk", 0), row["memory_syscalls"].get("mmap", 0)


def seqs(row: Fact, *names: str) -> list[int]:
    """The numbers of its memory syscalls of these names; all where none is given."""
    return [s["seq"] for s in row["syscalls"] if not names or s["name"] in names]


# ---- 1: the only way to memory -------------------------------------------------------------------


def only_way_to_memory(data: SectionProxy, facts: Facts) -> Answer:
    vec, idle = facts["vec"], facts["untouched"]
    moved = vec["memory_syscalls"].get("mremap", 0)
    stack = _stack(facts["stack"])
    value = "%d mremap grew the Vec, beside %d brk and mmap" % (moved, sum(brk_mmap(vec)))
    others = bool(moved)
    if stack and stack[1] > stack[0]:
        value += "; a stack grew from %s to %s bytes with no syscall" % tuple(map(grouped, stack))
        others = True
    asked = idle["user_calls"].get("malloc", {"bytes": 0, "seqs": []})
    proof = (("vec", seqs(vec, "mremap")), ("untouched", asked["seqs"]))
    return Answer(value, _not_had(vec, idle, asked["bytes"]), FAILS if others else HOLDS, proof)


def _stack(row: Fact) -> tuple[int, ...] | None:
    """(bytes at the first instruction, at the end) as /proc/PID/maps has it, or None."""
    maps = ((row["witnesses"] or {}).get("maps") or {}) if row.get("witnesses") else {}
    files = [(maps.get(n) or {}).get("files", ()) for n in ("start", "end")]
    sizes = [{path: size for path, size in rows} for rows in files]
    return tuple(s["[stack]"] for s in sizes) if all("[stack]" in s for s in sizes) else None


def _not_had(vec: Fact, idle: Fact, asked: int) -> str:
    parts = []
    start = mapped_at_start(vec)
    if start:
        parts.append(
            "the kernel maps the program and its loader in execve: %s are there before the first"
            " instruction" % exact_size(start)
        )
    resident = _resident_after_main(idle)
    if resident is not None:
        text = "asking is not having: malloc of %s, never touched, left the program %s resident"
        parts.append(text % (exact_size(asked), exact_size(resident)))
    return "; ".join(parts)


def mapped_at_start(row: Fact) -> int | None:
    """Bytes mapped when the first phase began; a program without a loader starts at a later one."""
    return next((p["mapped_bytes"] for p in row["phases"] if p["mapped_bytes"]), None)


def _resident_after_main(row: Fact) -> int | None:
    return next((p["rss_bytes"] for p in row["phases"] if p["phase"] == "exit"), None)


# ---- 2, 3, 6: how many, and why as many ----------------------------------------------------------


def syscalls_of(name: str) -> Claim:
    """The claim about brk and mmap of the program `name`, with the sum explained."""

    def claim(data: SectionProxy, facts: Facts) -> Answer:
        row = facts[name]
        brk, mmap = brk_mmap(row)
        same = (brk, mmap) == (data.getint("brk"), data.getint("mmap"))
        value = "%d brk, %d mmap; %s" % (brk, mmap, straces(row))
        proof = ((name, seqs(row, "brk", "mmap")),)
        inferred = row["typed"]["strace"]["state"] != "ok"
        cause = _sum(row) + _difference(data, row)
        return Answer(value, cause, SAME if same else CHANGED, proof, inferred)

    return claim


def straces(row: Fact) -> str:
    """What strace, run here over the same program, says to brkpoint's count."""
    strace = row["typed"]["strace"]
    if strace["state"] != "ok":
        return "by brkpoint alone (%s)" % strace["why"]
    theirs = strace["counts"]["brk"], strace["counts"]["mmap"]
    return "strace counts %s" % ("the same" if theirs == brk_mmap(row) else "%d and %d" % theirs)


def _sum(row: Fact) -> str:
    """The brk and mmap of a program as a sum: libraries by their segments, the rest by purpose."""
    libraries = {library["name"]: library for library in row["libraries"]}
    parts = [_term(group, libraries) for group in row["mmaps"]]
    if not parts and not row["brks"]:
        return "no library is mapped, and nothing else is asked for"
    brks = ["%d for: %s" % (len(group["seqs"]), group["what"]) for group in row["brks"]]
    told = ["mmap: %s" % " + ".join(parts)] if parts else []
    return "; ".join(told + (["brk: %s" % " + ".join(brks)] if brks else []))


def _term(group: Fact, libraries: dict[str, Fact]) -> str:
    number, library = len(group["seqs"]), libraries.get(group["what"])
    if group["kind"] != "file" or library is None or "segments" not in library:
        return "%d for %s" % (number, group["what"])
    made_of = count(library["segments"], "segment")
    made_of += " and its .bss" if library["bss"] else ""
    as_told = number == library["segments"] + library["bss"]
    text = "%d for %s (%s in its file)" if as_told else "%d for %s (but its file has %s)"
    return text % (number, group["what"], made_of)


def _difference(data: SectionProxy, row: Fact) -> str:
    """In words, the number of libraries then and here: `libraries` of the data counts them then."""
    if "libraries" not in data:
        return ""
    then, here = data.getint("libraries"), len(row["libraries"])
    if then != here:
        return "; then %s, here %d" % (count(then, "library", "libraries"), here)
    text = (
        "; %s then and here: the rest of the difference is how its file is cut into segments, and"
    )
    return (text + " what the loader asks for itself") % count(then, "library", "libraries")


# ---- 4, 5: the C runtime? the kernel? ------------------------------------------------------------


def from_the_c_runtime(data: SectionProxy, facts: Facts) -> Answer:
    made = facts["success"]["syscalls"]
    mine = [s for s in made if s["origin"] == "loader" and s["phase"] == "load"]
    value = "%d of its %d memory syscalls are the loader's" % (len(mine), len(made))
    late = len(made) - len(mine)
    cause = "from libc's first initialiser to the program's end there %s" % (
        "are %d more" % late if late else "is none"
    )
    cause += "; among the %d are mprotect and munmap, which the article did not count" % len(made)
    verdict = FAILS if made and len(mine) == len(made) else HOLDS
    return Answer(value, cause, verdict, (("success", seqs_of(made)),))


def seqs_of(rows: list[Fact]) -> list[int]:
    return [row["seq"] for row in rows]


def kernel_while_loading(data: SectionProxy, facts: Facts) -> Answer:
    row = facts["success_asm"]
    start = mapped_at_start(row)
    if start is None:
        return Answer("not measured", "the first mappings could not be read", CHANGED)
    made = sum(row["memory_syscalls"].values())
    value = "no: %s are mapped at the first instruction of the assembly program" % exact_size(start)
    value += ", which makes %s in its whole life" % (
        count(made, "memory syscall") if made else "no memory syscall"
    )
    listed_ = _mapped_by_kernel(row)
    cause = "mapped by execve itself, seen by no tool that watches syscalls"
    return Answer(value, cause + (": " + listed_ if listed_ else ""), EXPLAINED)


def _mapped_by_kernel(row: Fact) -> str:
    start = ((row.get("witnesses") or {}).get("maps") or {}).get("start")
    if not start:
        return ""
    files = [(path.rsplit("/", 1)[-1] or "anonymous", size) for path, size in start["files"]]
    return listed("%s %s" % (name, grouped(size)) for name, size in files)


# ---- 15: what it depends on ----------------------------------------------------------------------


_KINDS = (
    ("assembly", "success_asm"),
    ("static C", "success.static"),
    ("C", "success"),
    ("Rust", "empty"),
)


def machine_dependent(data: SectionProxy, facts: Facts) -> Answer:
    rows = [(what, facts[name]) for what, name in _KINDS]
    told = [
        "%s %d (%s)" % (what, brk_mmap(r)[1], count(len(r["libraries"]), "library", "libraries"))
        for what, r in rows
    ]
    value = "mmap: %s; %s" % (", ".join(told), _by_path(facts))
    cause = "libraries bring their segments, and the loader keeps books of them; %s" % (
        _by_variable(facts))  # fmt: skip
    spread = len({brk_mmap(row)[1] for _, row in rows}) > 1
    proof = tuple((name, row["loader_seqs"]) for name, row in facts_by_variable(facts))
    return Answer(value, cause, HOLDS if spread else FAILS, proof)


def facts_by_variable(facts: Facts) -> list[tuple[str, Fact]]:
    return [(name, facts[name]) for name in ("success", "success.library-path")]


def _by_path(facts: Facts) -> str:
    sizes = [_line_buffer(facts[name]) for name in ("empty", "empty.long-path")]
    if None in sizes:
        return "no line buffer was seen"
    text = (
        "the line buffer that reads /proc/self/maps grows to %d bytes, under a path of %d letters"
    )
    return (text + " to %d") % (sizes[0], _path_length(facts["empty.long-path"]), sizes[1])


def _line_buffer(row: Fact) -> int | None:
    """The largest size of a realloc of getline's buffer, before the user's main."""
    sizes = [
        c["size"] for c in row["first_calls"] if "line buffer of getline" in (c["purpose"] or "")
    ]
    return max(sizes, default=None)


def _path_length(row: Fact) -> int:
    return int(row["path_length"])


def _by_variable(facts: Facts) -> str:
    plain, more = (row["loader_calls"] for _, row in facts_by_variable(facts))
    return "with LD_LIBRARY_PATH set the loader makes %d calls for the empty C program, else %d" % (
        more,
        plain,
    )
