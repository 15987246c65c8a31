"""The article's steps about files: ldd, file, nm, strip, the small build (7 to 14, 16, 18).

Each function takes (data, facts) and returns an Answer, as in claims_kernel. Pure.
"""

from __future__ import annotations

import os

from article.claims_kernel import brk_mmap, seqs
from article.words import Answer, CHANGED, EXPLAINED, FAILS, HOLDS, SAME, compared, several
from reports.sentences import count, grouped, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import SectionProxy

    from article.words import Fact, Facts


# ---- 7 to 9: what ldd and file say ---------------------------------------------------------------


def linked_with(data: SectionProxy, facts: Facts) -> Answer:
    c, rust = ([lib["name"] for lib in facts[n]["libraries"]] for n in ("success", "empty"))
    static = facts["success_asm"]["file"].get("interpreter") is None
    value = "C: %s and the loader; Rust: %s and the loader; assembly: %s" % (
        ", ".join(c) or "none",
        ", ".join(rust) or "none",
        _said(facts["success_asm"], "ldd") or ("no loader" if static else "a loader"),
    )
    cause = _where_they_went(data, facts["empty"])
    inferred = any(facts[n]["typed"]["ldd"]["state"] != "ok" for n in ("success", "empty"))
    verdict = compared(len(rust), data.getint("libraries"))
    proof = tuple((name, _mapped_seqs(facts[name])) for name in ("success", "empty"))
    return Answer(value, cause, verdict, proof, inferred)


def _said(row: Fact, tool: str) -> str | None:
    """The first line that the tool printed here; None where it could not be asked."""
    lines = row["typed"].get(tool, {}).get("lines")
    return lines[0].strip() if lines else None


def _mapped_seqs(row: Fact) -> list[int]:
    return [seq for group in row["mmaps"] if group["kind"] == "file" for seq in group["seqs"]]


def _where_they_went(data: SectionProxy, row: Fact) -> str:
    """What became of the libraries that are not loaded any more: does libc define their names?"""
    loaded = {library["name"].split(".so")[0] for library in row["libraries"]}
    pairs = zip(data["merged"].split(), data["functions"].split())
    gone = [(name, function) for name, function in pairs if name not in loaded]
    heirs = {f: lib["name"] for lib in row["libraries"] for f in lib.get("defines", ())}
    parts = ["%s, whose %s %s defines here" % (n, f, heirs[f]) for n, f in gone if f in heirs]
    text = "gone are %s" % listed(parts) if parts else ""
    unused = [name for name, function in gone if function not in heirs]
    if unused:
        text += "%sno longer asked for: %s" % ("; " if text else "", listed(unused))
    return text or "the same libraries"


def shared_objects(data: SectionProxy, facts: Facts) -> Answer:
    words = [_said(facts[n], "file") for n in ("success", "empty")]
    asked = all(words)
    kinds = [w.split(": ", 1)[-1].split(",")[0] if w else "" for w in words]
    value = "file says: %s" % listed(dict.fromkeys(kinds)) if asked else "ELF type %s" % listed(
        {facts[n]["file"]["type"] for n in ("success", "empty")})  # fmt: skip
    executable = all(facts[n]["file"].get("pie") for n in ("success", "empty"))
    cause = "both are of ELF type DYN, as libraries are, but marked as programs that run at any "
    cause += "address (the flag PIE); older versions of file did not look at the mark"
    verdict = FAILS if executable else HOLDS
    return Answer(value, cause if executable else "", verdict, (), not asked)


def interpreted(data: SectionProxy, facts: Facts) -> Answer:
    paths = sorted({facts[n]["file"].get("interpreter") or "none" for n in ("success", "empty")})
    by_hand, alone = facts["success.through-ld-linux"], facts["success"]
    cause = "the kernel maps and starts that file, and it maps the rest; started by hand, as"
    cause += (
        " 'ld-linux PROGRAM', it has the program to map as well: %d brk and mmap in place of %d"
    )
    numbers = sum(brk_mmap(by_hand)), sum(brk_mmap(alone))
    own = [g for g in by_hand["mmaps"] if g["what"] == os.path.basename(by_hand["command"][-1])]
    proof = (("success.through-ld-linux", [seq for group in own for seq in group["seqs"]]),)
    verdict = HOLDS if paths != ["none"] else FAILS
    return Answer(listed(paths), cause % numbers, verdict, proof)


# ---- 10 to 12: what makes it large ---------------------------------------------------------------


def why_so_large(data: SectionProxy, facts: Facts) -> Answer:
    file = facts["empty"]["file"]
    parts = [
        ("debug information, all of std's own", "debug_bytes"),
        ("names of symbols", "symbol_bytes"),
        ("code", "code_bytes"),
    ]
    told = ["%s %s" % (grouped(file[key]), label) for label, key in parts]
    largest = max(parts, key=lambda part: int(file[part[1]]))[0]
    cause = "its sections hold %s" % listed(told)
    cause += "; so most of it is %s" % largest.split(",")[0]
    return Answer("%s bytes" % grouped(file["bytes"]), cause, EXPLAINED)


def symbols(data: SectionProxy, facts: Facts) -> Answer:
    c, rust = facts["success"]["file"]["symbols"], facts["empty"]["file"]["symbols"]
    same = (c, rust) == (data.getint("c_symbols"), data.getint("rust_symbols"))
    cause = "C's are those of its start-up files, Rust's those of the standard library linked in"
    return Answer("%d in C, %d in Rust" % (c, rust), cause, SAME if same else CHANGED)


def stripping(data: SectionProxy, facts: Facts) -> Answer:
    full, bare = facts["empty"]["file"]["bytes"], facts["empty.stripped"]["file"]["bytes"]
    c = facts["success"]["file"]["bytes"], facts["success.stripped"]["file"]["bytes"]
    value = "Rust %s, then %s; C %s, then %s bytes" % tuple(map(grouped, (full, bare) + c))
    cause = "%d %% of the Rust file was not needed to run it; of the C file %d bytes are debug "
    cause += "information, for these programs are built with -g"
    debug = facts["success"]["file"]["debug_bytes"]
    plain, less = facts["empty"], facts["empty.stripped"]
    same = brk_mmap(plain) == brk_mmap(less)
    cause += "; to strip it changes %s of its brk and mmap" % ("none" if same else "some")
    proof = tuple((n, seqs(facts[n], "brk", "mmap")) for n in ("empty", "empty.stripped"))
    return Answer(value, cause % (100 * (full - bare) / full, debug), CHANGED, proof)


# ---- 13, 14: the small build ---------------------------------------------------------------------

FLAGS = (
    ("opt-level=z", "empty.z"),
    ("lto=fat", "empty.lto"),
    ("codegen-units=1", "empty.one-unit"),
    ("panic=abort", "empty.abort"),
)


def small_build(data: SectionProxy, facts: Facts) -> Answer:
    plain, small = facts["empty"], facts["empty.small"]
    value = "%d mmap before, %d after; %s bytes without symbols" % (
        brk_mmap(plain)[1],
        brk_mmap(small)[1],
        grouped(facts["empty.small-stripped"]["file"]["bytes"]),
    )
    told = ["%s %d" % (flag, brk_mmap(facts[name])[1]) for flag, name in FLAGS]
    cause = "mmap with each flag alone: %s; %s" % (", ".join(told), _dropped(facts))
    verdict = HOLDS if brk_mmap(small)[1] < brk_mmap(plain)[1] else FAILS
    proof = tuple((name, seqs(facts[name], "mmap")) for name in ("empty", "empty.small"))
    return Answer(value, cause, verdict, proof, _without_strace(plain, small))


def _without_strace(*rows: Fact) -> bool:
    return any(row["typed"]["strace"]["state"] != "ok" for row in rows)


def _dropped(facts: Facts) -> str:
    """Which flag changes the list of needed libraries, and what that saves."""
    plain = facts["empty"]["file"]["needed"]
    parts = []
    for flag, name in FLAGS:
        gone = [library for library in plain if library not in facts[name]["file"]["needed"]]
        if gone:
            parts.append("%s drops %s from the list of needed files" % (flag, listed(gone)))
    if not parts:
        return "none changes the list of needed files"
    loaders = [os.path.basename(facts["empty"]["file"]["interpreter"] or "")]
    dropped = set(plain) - set(facts["empty.small"]["file"]["needed"])
    if dropped and dropped <= set(loaders):
        parts.append("that is the loader itself, which is mapped in any case")
    return "; ".join(parts)


def panic_abort(data: SectionProxy, facts: Facts) -> Answer:
    plain, abort = brk_mmap(facts["empty"]), brk_mmap(facts["empty.abort"])
    value = "%d brk, %d mmap without, %d and %d with panic=abort" % (plain + abort)
    cause = "panic=abort alone changes %s" % ("nothing" if plain == abort else "them")
    rows = [facts[name] for name in ("empty", "empty.abort")]
    proof = tuple((row["name"], seqs(row, "brk", "mmap")) for row in rows)
    verdict = HOLDS if plain == abort else FAILS
    return Answer(value, cause, verdict, proof, _without_strace(*rows))


# ---- 16, 18: whose malloc, and who asks the kernel -----------------------------------------------


def system_malloc(data: SectionProxy, facts: Facts) -> Answer:
    undefined = facts["empty"]["file"].get("malloc_undefined")
    value = "malloc is undefined in the file" if undefined else "malloc is not imported"
    calls = facts["vec"]["user_calls"]
    proof = (("vec", [seq for row in calls.values() for seq in row["seqs"]]),)
    cause = "and that is where a Vec's calls arrive: %s" % several(calls)
    return Answer(value, cause, HOLDS if undefined else FAILS, proof)


def no_system_call_inside(data: SectionProxy, facts: Facts) -> Answer:
    row = facts["empty"]
    code, modules = facts["empty.stripped"]["typed"]["objdump"], row["syscall_modules"]
    inferred = code["state"] != "ok"
    if inferred:
        value = "not looked at: %s" % code["why"]
    else:
        value = "%s lines, %s of them in code; none of those asks the kernel" % (
            grouped(code["matches"]),
            grouped(code["in_code"]),
        )
    told = ["%d by %s" % (number, name) for name, number in modules.items()]
    cause = "objdump -D reads data as if it were code; the memory syscalls were made %s" % listed(
        told
    )
    inside = modules.get(os.path.basename(row["command"][-1]), 0) + code.get("asks", 0)
    proof = (("empty", seqs(row)),)
    if inside:
        value = value.replace(
            "none of those asks", "%s" % count(code.get("asks", 0), "line") + " ask"
        )
    return Answer(value, cause, FAILS if inside else HOLDS, proof, inferred)
