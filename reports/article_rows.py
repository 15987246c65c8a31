"""The 37 steps of the article as data: what it did, what it saw, what this run shows, and why."""

from __future__ import annotations

import configparser
import os
from dataclasses import asdict, dataclass

from reports import article_claims_calls as calls
from reports import article_claims_files as files
from reports.article_words import OPEN, SKIPPED

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "article-2022.ini")
LAST = 37

# claim: (programs whose facts it needs, what answers it)
CLAIMS = {
    1: (("vec", "untouched"), files.only_way_to_memory),
    2: (("empty",), files.syscalls_of("empty")),
    3: (("success",), files.syscalls_of("success")),
    4: (("success",), files.from_the_c_runtime),
    5: (("success_asm",), files.kernel_while_loading),
    6: (("success_asm",), files.syscalls_of("success_asm")),
    7: (("success", "empty", "success_asm"), files.linked_with),
    8: (("success", "empty"), files.shared_objects),
    9: (("success", "empty", "success.through-ld-linux"), files.interpreted),
    10: (("empty",), files.why_so_large),
    11: (("success", "empty"), files.symbols),
    12: (("empty", "empty.stripped", "success", "success.stripped"), files.stripping),
    13: (
        ("empty", "empty.z", "empty.lto", "empty.one-unit", "empty.abort", "empty.small")
        + ("empty.small-stripped",),
        files.small_build,
    ),
    14: (("empty", "empty.abort"), files.panic_abort),
    15: (("success_asm", "success", "success.static", "empty"), files.machine_dependent),
    16: (("empty", "vec"), files.system_malloc),
    17: (("empty", "alloc", "alloc.no-plt"), files.hidden_from_ltrace),
    18: (("empty",), files.no_system_call_inside),
    19: (("vec",), calls.size_of_the_vec),
    20: (("vec", "alloc", "alloc.no-plt"), calls.still_hidden),
    21: (("vec_fn",), calls.down_to_malloc),
    22: (("vec",), calls.first_stop),
    23: (("empty",), calls.far_more_calls),
    24: (("vec",), calls.loader_and_libc),
    25: (("vec",), calls.panic_setup),
    26: (("vec_fn",), calls.where_the_calls_are),
    27: (("empty",), calls.who_made_the_syscalls),
    28: (("vec",), calls.sizes_of_the_calls),
    29: (("alloc",), calls.ltrace_in_c),
    30: (("vec", "empty"), calls.seen_with_x),
    31: (("empty",), calls.loader_unseen),
    32: (("alloc",), calls.shown_in_three_lines),
    33: (("vec",), calls.only_two_mallocs),
    34: (("vec",), calls.doubling),
    35: (("vec",), calls.pointer_stays),
    36: (("vec_reserved", "vec"), calls.with_capacity),
}


@dataclass(frozen=True)
class Row:
    """One step of the article, then and here."""

    claim: int
    step: str
    command_2022: str
    command: str  # what shows it here
    value_2022: str
    value_here: str
    cause: str
    verdict: str  # one of article_words.VERDICTS


def read_data(path=DATA):
    """{claim: the article's own words and numbers}, all 37 of them."""
    parser = configparser.ConfigParser(interpolation=None)
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    return {int(name): parser[name] for name in parser.sections()}


def rows(data, facts, skipped):
    """A Row a claim. `facts`: {program: facts}; `skipped`: {program: why it was not run}."""
    return [_row(claim, data[claim], facts, skipped) for claim in sorted(data)]


def as_dicts(made):
    return [asdict(row) for row in made]


def _row(claim, data, facts, skipped):
    value, cause, verdict = _answer(claim, data, facts, skipped)
    commands = [facts[name]["repeat"] for name in CLAIMS.get(claim, ((),))[0] if name in facts]
    return Row(
        claim=claim,
        step=data["step"],
        command_2022=data["command"],
        command="; ".join(commands),
        value_2022=data["value"],
        value_here=value,
        cause=cause,
        verdict=verdict,
    )


def _answer(claim, data, facts, skipped):
    if claim not in CLAIMS:
        return "", "", OPEN
    needed, answer = CLAIMS[claim]
    missing = [name for name in needed if name not in facts]
    if missing:
        why = sorted({skipped.get(name, "not run") for name in missing})
        return "", "%s: %s" % (", ".join(missing), "; ".join(why)), SKIPPED
    return answer(data, facts)
