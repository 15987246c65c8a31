"""The 37 steps of the article as data: what it did, what it saw, what this run shows, and why."""

from __future__ import annotations

import configparser
import os

from article import claims_files as files, claims_gdb as gdb, claims_kernel as kernel
from article import claims_ltrace as ltrace, claims_vec as vec, designs
from article.words import Answer, OPEN, SKIPPED

from alloctrace.plain import fresh, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from configparser import SectionProxy

    from article.words import Claim, Fact, Facts

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "article-2022.ini")
LAST = 37
RUN, INSPECT = "run", "inspect"

# claim: (programs whose facts it needs, what answers it, how a reader sees it here: RUN with
# brkpoint, INSPECT the file, or a command that the article typed and that was typed here)
CLAIMS: dict[int, tuple[tuple[str, ...], Claim, str]] = {
    1: (("vec", "untouched", "stack"), kernel.only_way_to_memory, RUN),
    2: (("empty",), kernel.syscalls_of("empty"), "strace"),
    3: (("success",), kernel.syscalls_of("success"), "strace"),
    4: (("success",), kernel.from_the_c_runtime, RUN),
    5: (("success_asm",), kernel.kernel_while_loading, RUN),
    6: (("success_asm",), kernel.syscalls_of("success_asm"), "strace"),
    7: (("success", "empty", "success_asm"), files.linked_with, "ldd"),
    8: (("success", "empty"), files.shared_objects, "file"),
    9: (("success", "empty", "success.through-ld-linux"), files.interpreted, RUN),
    10: (("empty",), files.why_so_large, INSPECT),
    11: (("success", "empty"), files.symbols, INSPECT),
    12: (("empty", "empty.stripped", "success", "success.stripped"), files.stripping, INSPECT),
    13: (
        ("empty", "empty.z", "empty.lto", "empty.one-unit", "empty.abort", "empty.small")
        + ("empty.small-stripped",),
        files.small_build,
        "strace",
    ),
    14: (("empty", "empty.abort"), files.panic_abort, "strace"),
    15: (
        ("success_asm", "success.static", "success", "empty", "empty.long-path")
        + ("success.library-path",),
        kernel.machine_dependent,
        RUN,
    ),
    16: (("empty", "vec"), files.system_malloc, INSPECT),
    17: (("empty", "alloc.no-plt"), ltrace.silent("empty"), "ltrace"),
    18: (("empty.stripped", "empty"), files.no_system_call_inside, "objdump"),
    19: (("vec", "vec_reserved"), vec.size_of_the_vec, RUN),
    20: (("vec", "alloc.no-plt"), ltrace.silent("vec"), "ltrace"),
    21: (("boxed.debug", "vec_fn"), gdb.down_to_malloc, RUN),
    22: (("vec",), gdb.first_stop, RUN),
    23: (("empty",), gdb.far_more_calls, RUN),
    24: (("vec", "success"), gdb.loader_and_libc, RUN),
    25: (("vec",), gdb.panic_setup, RUN),
    26: (("vec_fn",), gdb.where_the_calls_are, RUN),
    27: (("empty",), gdb.who_made_the_syscalls, RUN),
    28: (("vec",), gdb.sizes_of_the_calls, RUN),
    29: (("alloc",), ltrace.heard_in_c, "ltrace"),
    30: (("vec", "empty"), ltrace.seen_with_x, "ltrace -x malloc"),
    31: (("empty",), ltrace.loader_unseen, "ltrace -x malloc"),
    32: (("alloc",), ltrace.three_lines, "ltrace -x malloc+free@*"),
    33: (("vec",), vec.only_two_mallocs, RUN),
    34: (("vec",), vec.doubling, vec.COMMAND),
    35: (("vec",), vec.pointer_stays, vec.COMMAND),
    36: (("vec_reserved", "vec"), vec.with_capacity, RUN),
    37: (("evaluator", *designs.TOLD), vec.parser_bottleneck, RUN),
}
SESSIONS = {5: "first-instruction", 21: "push-to-malloc", 22: "malloc-callers", 26: "actual-code"}
SESSIONS.update({24: "malloc-callers", 27: "syscall-callers", 23: "malloc-to-kernel"})


@frozen
class Row:
    """One step of the article, then and here."""

    claim: int
    step: str
    command_2022: str
    command: list[str]  # what shows it here, each as it is typed
    value_2022: str
    value_here: str
    cause: str
    verdict: str  # one of article_words.VERDICTS
    proof: list[Fact] = fresh(list)  # [{program, trace, seqs}]: events that show it
    inferred: bool = False  # a tool of the article's was not there: its part is concluded
    session: str = ""  # the session of gdb-scripts/sessions/ that tells it in gdb


def read_data(path: str = DATA) -> dict[int, SectionProxy]:
    """{claim: the article's own words and numbers}, all 37 of them."""
    parser = configparser.ConfigParser(interpolation=None)
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    return {int(name): parser[name] for name in parser.sections()}


def rows(data: Mapping[int, SectionProxy], facts: Facts, skipped: Mapping[str, str]) -> list[Row]:
    """A Row a claim. `facts`: {program: facts}; `skipped`: {program: why it was not run}."""
    return [_row(claim, data[claim], facts, skipped) for claim in sorted(data)]


def as_dicts(made: Iterable[Row]) -> list[Fact]:
    return [dict(vars(row)) for row in made]


def _row(claim: int, data: SectionProxy, facts: Facts, skipped: Mapping[str, str]) -> Row:
    answer = _answer(claim, data, facts, skipped)
    return Row(
        claim=claim,
        step=data["step"],
        command_2022=data["command"],
        command=_commands(claim, facts),
        value_2022=data["value"],
        value_here=answer.value,
        cause=answer.cause,
        verdict=answer.verdict,
        proof=[_proof(facts[name], seqs) for name, seqs in answer.proof if seqs],
        inferred=answer.inferred,
        session=SESSIONS.get(claim, ""),
    )


def _proof(row: Fact, seqs: Iterable[int]) -> Fact:
    return {"program": row["name"], "trace": row.get("trace", ""), "seqs": sorted(set(seqs))}


def _commands(claim: int, facts: Facts) -> list[str]:
    """What a reader types to see it here."""
    if claim not in CLAIMS:
        return []
    needed, _, how = CLAIMS[claim]
    found = [facts[name] for name in needed if name in facts]
    if how == INSPECT:
        return ["trace-scripts/inspect %s" % row["command"][-1] for row in found]
    typed = [row["typed"][how]["command"] for row in found if how in row.get("typed", {})]
    return typed or [row["repeat"] for row in found]


def _answer(claim: int, data: SectionProxy, facts: Facts, skipped: Mapping[str, str]) -> Answer:
    if claim not in CLAIMS:
        return Answer("", "", OPEN)
    needed, answer, _ = CLAIMS[claim]
    missing = [name for name in needed if name not in facts]
    if "evaluator" in missing:
        missing = ["evaluator"]  # its three programs come with it
    if missing:
        why = sorted({skipped.get(name, "not run") for name in missing})
        return Answer("", "%s: %s" % (", ".join(missing), "; ".join(why)), SKIPPED)
    return answer(data, facts)
