"""The article's steps in gdb (21 to 28), answered from this run's facts.

Each function takes (data, facts) and returns an Answer, as in claims_kernel. Pure.
"""

from __future__ import annotations

from article.claims_kernel import brk_mmap
from article.words import Answer, CHANGED, EXPLAINED, FAILS, HOLDS, SAME, compared
from reports.sentences import count, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import SectionProxy

    from article.words import Fact, Facts


def down_to_malloc(data: SectionProxy, facts: Facts) -> Answer:
    told: list[str] = []
    proof: list[tuple[str, list[int]]] = []
    for name, what in (("boxed.debug", "a Box"), ("vec_fn", "a Vec")):
        found = facts[name]["first_user_stack"]
        if found:
            functions = found["functions"]
            text = "%s of %d bytes: %d functions lie between %s and %s"
            ends = len(functions) - 2, _short(functions[-1]), functions[0]
            told.append(text % (what, found["size"], *ends))
            proof.append((name, [found["seq"]]))
    if not told:
        return Answer("no stack of the user's", "the programs' own calls were not seen", FAILS)
    cause = "the stack at malloc goes on where the source ended"
    return Answer("; ".join(told), cause, EXPLAINED, tuple(proof))


def _short(function: str) -> str:
    """Without the parts of a Rust path that only say where it stands."""
    return function.split("::")[-1]


def first_stop(data: SectionProxy, facts: Facts) -> Answer:
    row = facts["vec"]
    first = row["loader_first"]
    if first is None:
        return Answer("no call of the loader's was seen", "", FAILS)
    value = "%s of %d bytes, in phase load" % (first["function"], first["size"])
    exported = any("malloc" in found.get("defines", ()) for found in row["loader_exports"])
    cause = "the loader, which brings in libc, has an allocator of its own"
    if not exported:
        cause += "; its file exports no malloc here: only debug files can tell gdb where it is"
    verdict = compared(first["size"], data.getint("size"))
    return Answer(value, cause, verdict, (("vec", [first["seq"]]),))


def far_more_calls(data: SectionProxy, facts: Facts) -> Answer:
    row = facts["empty"]
    reach, calls = row["calls_reaching_kernel"], row["calls"]
    value = "%d calls, %d of which asked the kernel; %d brk and mmap in all" % (
        calls,
        reach,
        sum(brk_mmap(row)),
    )
    cause = "%d calls were answered from memory at hand; the other brk and mmap map files" % (
        calls - reach
    )
    arena = row["loader_arena"]
    if arena["inside"]:
        cause += "; the loader's first %d even from the end of its own file's last page" % (
            arena["inside"]
        )
    return Answer(value, cause, HOLDS if calls > reach else FAILS, (("empty", arena["seqs"]),))


def loader_and_libc(data: SectionProxy, facts: Facts) -> Answer:
    row = facts["vec"]
    loader, libc = row["loader_calls"], len(row["malloc_entries"])
    same = (loader, libc) == (data.getint("loader"), data.getint("libc"))
    verdict = SAME if same else CHANGED
    cause, seqs = _per_library(facts["success"], row)
    then, here = data.getint("libraries"), len(row["libraries"])
    cause += "; then %s, here %d" % (count(then, "library", "libraries"), here)
    return Answer("%d and %d" % (loader, libc), cause, verdict, (("vec", seqs),))


def _per_library(few: Fact, many: Fact) -> tuple[str, list[int]]:
    """What the loader does for each library: by what two programs differ. ([seq] of `many`)"""
    extra = len(many["libraries"]) - len(few["libraries"])
    if extra <= 0:
        return "no program here has more libraries than another", []
    parts: list[str] = []
    seqs: list[int] = []
    total = 0
    for kind, found in many["loader_kinds"].items():
        more = len(found) - len(few["loader_kinds"].get(kind, ()))
        if more:
            parts.append(kind if more == extra else "%d × %s" % (more, kind))
            total, seqs = total + more, seqs + found
    text = "with %s more than the empty C program the loader makes %d more calls: %s"
    return text % (count(extra, "library", "libraries"), total, ", ".join(parts)), seqs


def panic_setup(data: SectionProxy, facts: Facts) -> Answer:
    rows = facts["vec"]["malloc_entries"]
    told = [row["purpose"] for row in rows]
    panic = [text for text in told if text and "panic" in text]
    unknown = sum(text is None for text in told)
    value = "%d of %d are for panics" % (len(panic), len(rows))
    by_user = sum(row["origin"] == "user" for row in rows)
    cause = "what they are for: %s" % ", ".join(dict.fromkeys(text or "unknown" for text in told))
    cause += "; %d of them are the program's own" % by_user
    proof = (("vec", [row["seq"] for row in rows]),)
    if unknown:
        cause += "; %d of unknown purpose" % unknown
    if len(panic) + unknown < len(rows) or not rows:
        return Answer(value, cause, FAILS, proof)  # one with another purpose is enough
    return Answer(value, cause, CHANGED if unknown else HOLDS, proof)


def where_the_calls_are(data: SectionProxy, facts: Facts) -> Answer:
    entries = facts["vec_fn"]["malloc_entries"]
    phases = [entry["phase"] for entry in entries]
    inside, after = phases.count("main"), phases.count("exit")
    value = "%d before, %d inside, %d after" % (len(phases) - inside - after, inside, after)
    same = (inside, after) == (data.getint("inside"), data.getint("after"))
    cause = "gdb's f is short for frame, which runs nothing; finish is what runs to the end"
    proof = (("vec_fn", [e["seq"] for e in entries if e["phase"] in ("main", "exit")]),)
    return Answer(value, "" if same else cause, HOLDS if same else FAILS, proof)


def who_made_the_syscalls(data: SectionProxy, facts: Facts) -> Answer:
    rows = [s for s in facts["empty"]["syscalls"] if s["name"] in ("brk", "mmap")]
    makers: dict[str, int] = {}
    purposes: list[str | None] = []
    for row in rows:
        who = row["origin"] + (" (%s)" % row["owner"] if row["owner"] else "")
        makers[who] = makers.get(who, 0) + 1
        if row["origin"] == "runtime":
            purposes.append(row["purpose"])
    value = listed("%s %d" % item for item in sorted(makers.items()))
    panic = any(text and "panic" in text for text in purposes)
    cause = "the runtime's are for: %s" % "; ".join(text or "unknown" for text in purposes)
    proof = (("empty", [row["seq"] for row in rows if row["origin"] != "loader"]),)
    verdict = HOLDS if panic or None in purposes else FAILS
    return Answer(value, cause, verdict, proof)


def sizes_of_the_calls(data: SectionProxy, facts: Facts) -> Answer:
    entries = facts["vec"]["malloc_entries"]
    sizes = [entry["size"] for entry in entries]
    value = "%s: %s" % (", ".join(map(str, sizes)), count(sum(sizes), "byte"))
    then = [int(word) for word in data["sizes"].split()]
    proof = (("vec", [entry["seq"] for entry in entries]),)
    if sizes == then:
        return Answer(value, "", SAME, proof)
    gone = [str(size) for size in then if size not in sizes]
    new = ["%d (%s)" % (e["size"], e["purpose"] or "unknown") for e in entries
           if e["size"] not in then]  # fmt: skip
    cause = "sizes of structures of libc and std, which change: not here any more %s; new %s" % (
        listed(gone) or "none",
        listed(new) or "none",
    )
    return Answer(value, cause, CHANGED, proof)
