"""The article's steps about syscalls at start-up and about files, answered from this run's facts.

Each function takes (data, facts): the article's numbers for this step (a section of
reports/data/article-2022.ini) and {program: facts}; it returns (value here, cause, verdict).
"""

from __future__ import annotations

import os

from reports.article_words import CHANGED, EXPLAINED, FAILS, HOLDS, SAME, compared, counted, several
from reports.sentences import count, exact_size, grouped, listed


def brk_mmap(row):
    """(brk, mmap) of one program."""
    return row["memory_syscalls"].get("brk", 0), row["memory_syscalls"].get("mmap", 0)


def only_way_to_memory(data, facts):
    vec, idle = facts["vec"], facts["untouched"]
    others = {n: c for n, c in vec["memory_syscalls"].items() if n == "mremap"}
    start = _mapped_at_start(vec)
    resident = _resident_after_main(idle)
    value = "vec: %s beside %s brk and mmap" % (counted(others), sum(brk_mmap(vec)))
    cause = "mremap grew the Vec; "
    if start:
        cause += "%s were mapped at the first instruction, before any syscall of the program; " % (
            exact_size(start)
        )
    if resident is not None:
        asked = idle["user_calls"].get("malloc", {}).get("bytes", 0)
        cause += "and asking is not having: malloc of %s, never touched, left %s resident" % (
            exact_size(asked),
            exact_size(resident),
        )
    return value, cause.rstrip("; "), FAILS if others else HOLDS


def _mapped_at_start(row):
    """Bytes mapped when the first phase began; a program without a loader starts at a later one."""
    return next((p["mapped_bytes"] for p in row["phases"] if p["mapped_bytes"]), None)


def _resident_after_main(row):
    return next((p["rss_bytes"] for p in row["phases"] if p["phase"] == "exit"), None)


def syscalls_of(name):
    """The claim about brk and mmap of the program `name`, with the sum explained."""

    def claim(data, facts):
        brk, mmap = brk_mmap(facts[name])
        same = (brk, mmap) == (data.getint("brk"), data.getint("mmap"))
        return "%d brk, %d mmap" % (brk, mmap), _sum(facts[name]), SAME if same else CHANGED

    return claim


def _sum(row):
    """The mmap of a program as a sum over the files mapped."""
    if not row["mapped_files"]:
        return "no file mapped, no memory asked for"
    parts = [
        "%d for %s" % (mapped["count"], os.path.basename(mapped["path"]) or "memory without a file")
        for mapped in row["mapped_files"]
    ]
    return "mmap: %s" % " + ".join(parts)


def from_the_c_runtime(data, facts):
    return _makers(facts["success"], "the C program")


def _makers(row, what):
    total = sum(maker["count"] for maker in row["syscall_makers"])
    mine = [m for m in row["syscall_makers"] if m["origin"] == "loader" and m["phase"] == "load"]
    loader = sum(maker["count"] for maker in mine)
    value = "%d of %s memory syscalls of %s are the loader's, in phase load" % (
        loader,
        grouped(total),
        what,
    )
    cause = "after the first initialiser: %s" % count(total - loader, "memory syscall")
    return value, cause, FAILS if loader == total and total else HOLDS


def kernel_while_loading(data, facts):
    row = facts["success_asm"]
    start = _mapped_at_start(row)
    if start is None:
        return "not measured", "the mappings at the first instruction were not read", CHANGED
    made = sum(row["memory_syscalls"].values())
    value = "%s mapped at the first instruction of the assembly program" % exact_size(start)
    cause = "%s; what the kernel maps in execve is there without one" % (
        count(made, "memory syscall in its whole life", "memory syscalls in its whole life")
    )
    return value, cause, EXPLAINED


def linked_with(data, facts):
    c, rust = facts["success"]["libraries"], facts["empty"]["libraries"]
    static = facts["success_asm"]["file"].get("interpreter") is None
    value = "C: %s; Rust: %s; assembly: %s" % (
        listed(c) or "none",
        listed(rust) or "none",
        "no loader, no library" if static else "a loader",
    )
    cause = "%d libraries of Rust then, %d here: each has its segments mapped one by one" % (
        data.getint("rust_libraries"),
        len(rust),
    )
    return value, cause, compared(len(rust), data.getint("rust_libraries"))


def shared_objects(data, facts):
    kinds = ["%s: %s" % (n, _kind(facts[n]["file"])) for n in ("success", "empty")]
    executable = all(facts[n]["file"].get("pie") for n in ("success", "empty"))
    cause = "ELF type DYN with the mark of a position-independent executable: no library"
    return "; ".join(kinds), cause if executable else "", FAILS if executable else HOLDS


def _kind(file):
    if file.get("pie"):
        return "type %s, executable at any address" % file.get("type")
    return "type %s" % file.get("type")


def interpreted(data, facts):
    paths = sorted({facts[n]["file"].get("interpreter") or "none" for n in ("success", "empty")})
    through, alone = facts["success.through-ld-linux"], facts["success"]
    cause = "the kernel starts that file, and it maps the rest; "
    cause += (
        "started by hand, as `ld-linux PROGRAM`, it also maps the program: %d brk and mmap, not %d"
    )
    cause = cause % (sum(brk_mmap(through)), sum(brk_mmap(alone)))
    return listed(paths), cause, HOLDS if paths != ["none"] else FAILS


def why_so_large(data, facts):
    file = facts["empty"]["file"]
    value = "%s bytes" % grouped(file["bytes"])
    parts = [
        ("debug information of std", "debug_bytes"),
        ("symbols", "symbol_bytes"),
        ("code", "code_bytes"),
    ]
    told = ["%s %s" % (label, grouped(file[key])) for label, key in parts]
    largest = max(parts, key=lambda part: file[part[1]])[0]
    return value, "most is %s: %s" % (largest, listed(told)), EXPLAINED


def symbols(data, facts):
    c, rust = facts["success"]["file"]["symbols"], facts["empty"]["file"]["symbols"]
    same = (c, rust) == (data.getint("c_symbols"), data.getint("rust_symbols"))
    cause = "C's are of its start-up files, Rust's of the standard library linked in"
    return "%d in C, %d in Rust" % (c, rust), cause, SAME if same else CHANGED


def stripping(data, facts):
    full, bare = facts["empty"]["file"]["bytes"], facts["empty.stripped"]["file"]["bytes"]
    c = facts["success"]["file"]["bytes"], facts["success.stripped"]["file"]["bytes"]
    value = "Rust %s, then %s; C %s, then %s bytes" % tuple(map(grouped, (full, bare) + c))
    cause = "%d %% of the Rust file was not needed to run it; of the C file %d bytes are debug "
    cause += "information, which the article's had not"
    debug = facts["success"]["file"]["debug_bytes"]
    return value, cause % (100 * (full - bare) / full, debug), CHANGED


def small_build(data, facts):
    names = ("z", "lto", "one-unit", "abort", "small")
    plain = brk_mmap(facts["empty"])[1]
    told = ["%s %d" % (n, brk_mmap(facts["empty." + n])[1]) for n in names]
    small = brk_mmap(facts["empty.small"])[1]
    value = "%s bytes; %d mmap as a release, %d as a small build" % (
        grouped(facts["empty.small-stripped"]["file"]["bytes"]),
        plain,
        small,
    )
    dropped = set(facts["empty"]["file"]["needed"]) - set(facts["empty.lto"]["file"]["needed"])
    cause = "mmap with each flag alone: %s; LTO drops %s from the list of libraries" % (
        ", ".join(told),
        listed(sorted(dropped)) or "nothing",
    )
    return value, cause, HOLDS if small < plain else FAILS


def panic_abort(data, facts):
    plain, abort = brk_mmap(facts["empty"]), brk_mmap(facts["empty.abort"])
    value = "%d brk, %d mmap without, %d and %d with panic=abort" % (plain + abort)
    cause = "panic=abort alone changes %s" % ("nothing" if plain == abort else "them")
    return value, cause, HOLDS if plain == abort else FAILS


def machine_dependent(data, facts):
    rows = [(n, facts[n]) for n in ("success_asm", "success", "success.static", "empty")]
    told = ["%s %d with %d files mapped" % (n, brk_mmap(r)[1], _files(r)) for n, r in rows]
    cause = "each library brings its segments, the loader its books; so it depends on the libraries"
    spread = len({brk_mmap(row)[1] for _, row in rows}) > 1
    return "mmap: " + ", ".join(told), cause, HOLDS if spread else FAILS


def _files(row):
    return sum(1 for mapped in row["mapped_files"] if mapped["path"])


def system_malloc(data, facts):
    undefined = facts["empty"]["file"].get("malloc_undefined")
    value = "malloc is undefined in the file" if undefined else "malloc is not imported"
    who = several(facts["vec"]["user_calls"])
    return value, "the Vec's calls arrive there: %s" % who, HOLDS if undefined else FAILS


def hidden_from_ltrace(data, facts):
    slots = {n: facts[n]["file"].get("malloc_slot") for n in ("empty", "alloc", "alloc.no-plt")}
    value = "malloc is bound by %s in Rust, %s in C" % (slots["empty"], slots["alloc"])
    same = slots["alloc.no-plt"] == slots["empty"]
    cause = "plain ltrace breaks at PLT entries, and Rust calls through the GOT; "
    cause += "C with -fno-plt: %s, %s" % (slots["alloc.no-plt"], "the same" if same else "another")
    return value, cause, HOLDS if slots["empty"] == "GLOB_DAT" else CHANGED


def no_system_call_inside(data, facts):
    modules = facts["empty"]["syscall_modules"]
    told = ["%s %d" % item for item in modules.items()]
    inside = modules.get(os.path.basename(facts["empty"]["command"][-1]), 0)
    cause = "the instruction stands in libc and in the loader, not in the program"
    value = "memory syscalls by the file that made them: %s" % listed(told)
    return value, cause if not inside else "", FAILS if inside else HOLDS
