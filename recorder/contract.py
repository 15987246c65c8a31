#!/usr/bin/python3
"""Makes the C of what both languages say, from the tables that Python reads.

    recorder/contract.py words   > contract.h           vocabularies, limits, the rows of a spool
    recorder/contract.py history > contract_history.h   what a history calls its events and columns
    recorder/contract.py rows    > contract_rows.h      what exports/maker.py and its program say

alloctrace and exports have each table once: vocabularies (words), the rows and kinds of a spool
(spool_rows), the columns of events (trace_schema). recorder/build.mk runs this before it compiles:
a name or a row that C needs and Python no longer has does not compile.
"""

from __future__ import annotations

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from alloctrace import cache_folder, words  # noqa: E402
from alloctrace.columns import columns, schema as trace_schema  # noqa: E402
from alloctrace.elf import debug as elf_debug  # noqa: E402
from alloctrace.history import inforecords  # noqa: E402
from alloctrace.spool import rows as spool_rows  # noqa: E402
from exports import heaptrack, lifetimes, maker  # noqa: E402

C_TYPES = {
    "u8": "uint8_t",
    "u32": "uint32_t",
    "i32": "int32_t",
    "u64": "uint64_t",
    "i64": "int64_t",
}


def text(value):
    """A string of C."""
    return json.dumps(value)


def enum(name, members, last=None):
    """`members`: names, or (name, number); `last` counts them."""
    lines = ["%s = %d" % member if isinstance(member, tuple) else member for member in members]
    lines += [last] if last else []
    return "enum %s{\n%s};\n" % (name and name + " ", "".join("    %s,\n" % line for line in lines))


def table(name, rows):
    """`#define NAME {…}`: the initialiser of an array."""
    return "#define %s \\\n    { \\\n%s    }\n" % (
        name,
        "".join("        %s, \\\n" % row for row in rows),
    )


def define(name, value):
    """A number or a string."""
    return "#define %s %s\n" % (name, text(value))


def numbers_of(module, prefix=""):
    """[(name, number)] of a module whose names begin so, in their order."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if isinstance(value, int) and name.isupper() and name.startswith(prefix)
    ]


def struct_of(name):
    """The struct of a row, and that it is as long as Python takes it to be."""
    lines = ["struct spool_%s {" % name]
    for at, (type_, what, number) in enumerate(spool_rows.fields_of(name)):
        what = "unused%d" % at if what == "_" else what
        lines.append("    %s %s%s;" % (C_TYPES[type_], what, "[%d]" % number if number else ""))
    size = spool_rows.layout(name).size
    lines.append("};")
    lines.append('_Static_assert(sizeof(struct spool_%s) == %d, "spool/rows.py");' % (name, size))
    return "\n".join(lines) + "\n"


def of_words():
    """contract.h"""
    kinds = [pair for pair in numbers_of(spool_rows) if pair[0] not in ("VERSION", "MAX_PAYLOAD")]
    yield "#include <stdint.h>\n"
    yield "/* words.PHASES and how each began, how main was found */\n"
    yield define("PHASES", len(words.PHASES))
    yield table("PHASE_NAMES", map(text, words.PHASES))
    for prefix, sentences in (("BEGAN", words.BEGAN), ("MAIN_BY", words.MAIN_BY)):
        yield from (define("%s_%s" % (prefix, key.upper()), how) for key, how in sentences.items())
    yield "/* words.MEMORY_SYSCALLS */\n"
    which = " || ".join("(number) == %d" % number for number in words.MEMORY_SYSCALLS)
    yield "#define IS_MEMORY_SYSCALL(number) (%s)\n" % which
    yield "/* words.CUTS: why a stack is cut */\n"
    yield from (define(*pair) for pair in numbers_of(words, "CUT_"))
    yield "/* limits of both */\n"
    yield define("MAX_LISTED", inforecords.MAX_LISTED)
    yield define("MAX_REGION_MARKS", elf_debug.MAX_REGION_MARKS)
    yield define("MAX_UNPACKED", elf_debug.MAX_UNPACKED)
    yield define("CACHE_MARK_S", cache_folder.MARK_S)
    yield "/* spool/rows.py */\n"
    yield define("SPOOL_MAGIC", spool_rows.MAGIC.decode("ascii"))
    yield define("SPOOL_VERSION", spool_rows.VERSION)
    yield define("SPOOL_MAX_PAYLOAD", spool_rows.MAX_PAYLOAD)
    yield enum("spool_kind", [("SPOOL_" + name, number) for name, number in kinds])
    yield from map(struct_of, spool_rows.ROWS)


def of_history():
    """contract_history.h"""
    columns = [name.upper() for name, _ in trace_schema.EVENT_COLUMNS]
    bits = {name.upper(): bit for name, bit in trace_schema.PRESENT.items()}
    numbers = {
        "PKEY_MPROTECT" if number == words.PKEY_MPROTECT else name.upper(): number
        for number, name in words.MEMORY_SYSCALLS.items()
    }
    yield "/* words.SIGNATURES: name, arguments */\n"
    yield enum("entry_point", [name.upper() for name in words.SIGNATURES], "ENTRY_POINTS")
    yield table(
        "ENTRY_POINT_WORDS", ["{%s, %s}" % (text(n), text(a)) for n, a in words.SIGNATURES.items()]
    )
    yield "/* words.MEMORY_SYSCALLS: number, name of the event */\n"
    yield enum("", list(numbers.items()))
    yield table(
        "MEMORY_SYSCALL_NAMES",
        ["{%d, %s}" % (number, text(name)) for number, name in words.MEMORY_SYSCALLS.items()],
    )
    yield "/* trace_schema.EVENT_COLUMNS, and their bits of `present`: which are not NULL */\n"
    yield enum("column", columns, "COLUMNS")
    yield enum("", [("HAS_" + name, bit) for name, bit in bits.items()])
    yield define("SIGNED_SIZE", trace_schema.SIGNED_SIZE)
    yield table("COLUMN_BITS", ["[%s] = %d" % pair for pair in bits.items()])
    deltas = [name.upper() for name, is_delta in trace_schema.EVENT_COLUMNS if is_delta]
    yield table("COLUMN_IS_DELTA", ["[%s] = 1" % name for name in deltas])
    yield "/* words.UNMATCHED */\n"
    yield enum("unmatched", [key.upper() for key in words.UNMATCHED], "UNMATCHED")
    yield table("UNMATCHED_WORDS", map(text, words.UNMATCHED.values()))


def of_rows():
    """contract_rows.h"""
    yield "/* exports/maker.py */\n"
    yield define("ROWS_GREETING", maker.greeting())
    yield define("ROWS_LONGEST", maker.LONGEST)
    yield enum("rows_message", ["ROWS_" + name for name in maker.MESSAGES])
    yield "/* exports/lifetimes.py */\n"
    yield define("ROWS_PROCESS", lifetimes.PROCESS)
    yield define("ROWS_DEEPEST", lifetimes.DEEPEST)
    yield enum("rows_role", [("ROLE_" + name, n) for name, n in lifetimes.ROLES.items()])
    yield "/* exports/heaptrack.py */\n"
    yield define("ROWS_MOST_KNOWN", heaptrack.MOST_KNOWN)
    yield "/* columns/columns.py, columns/schema.py */\n"
    yield define("ROWS_CHUNK", columns.CHUNK)
    yield define("ROWS_PERIOD", columns.LONGEST_PERIOD)
    yield table("ROWS_LEAST", ["{%s, %d}" % (n.upper(), v) for n, v in trace_schema.LEAST.items()])
    yield table("ROWS_COLUMNS", map(text, trace_schema.COLUMN_NAMES))


HEADERS = {"words": of_words, "history": of_history, "rows": of_rows}


def made(which):
    """The text of a header."""
    guard = "BRKPOINT_CONTRACT_%s_H" % which.upper()
    return (
        "/* Made by recorder/contract.py, from alloctrace. */\n#ifndef %s\n#define %s\n%s#endif\n"
        % (
            guard,
            guard,
            "".join(HEADERS[which]()),
        )
    )


if __name__ == "__main__":
    sys.stdout.write(made(sys.argv[1]))
