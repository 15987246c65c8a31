"""The article's steps with ltrace (17, 20, 29 to 32): ltrace really run, or what stands for it.

Where ltrace is not installed or cannot be believed here, the answer is concluded from the file's
relocations and from brkpoint's trace, and says so. Each function returns an Answer. Pure.
"""

from __future__ import annotations

from article.words import Answer, CHANGED, EXPLAINED, FAILS, HOLDS, SAME
from reports.sentences import count, grouped, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import SectionProxy

    from article.words import Claim, Fact, Facts

_GOT = "plain ltrace stops at entries of the PLT, of which malloc has none: it is bound by %s"


def printed(row: Fact, command: str) -> Fact | None:
    """ltrace's answer for one program: {"calls", "lines", …}, or None where there is none."""
    found = row["typed"].get(command, {})
    return found if found.get("state") == "ok" else None


def why_not(row: Fact, command: str) -> str:
    return row["typed"].get(command, {}).get("why") or "ltrace was not run"


def allocator_calls(found: Fact) -> list[Fact]:
    """The calls that ltrace showed of the allocator, those inside another as well."""
    names = ("malloc", "calloc", "realloc", "free")
    return [call for call in found["calls"] if call["name"] in names]


def silent(name: str) -> Claim:
    """Claims 17 and 20: plain ltrace shows no call of malloc in a Rust program."""

    def claim(data: SectionProxy, facts: Facts) -> Answer:
        row = facts[name]
        slot, twin = row["file"].get("malloc_slot"), facts["alloc.no-plt"]
        found = printed(row, "ltrace")
        if found is None:
            value = "no call of malloc, to judge by its relocation (%s)" % why_not(row, "ltrace")
            return Answer(value, _why_silent(slot, twin), _by_slot(slot), (), True)
        shown = allocator_calls(found)
        others = sorted({call["name"] for call in found["calls"]})
        value = "nothing" if not others else "nothing but %s" % listed(others)
        if shown:
            value = "%s of the allocator" % count(len(shown), "call")
        proof = ((name, [e["seq"] for e in row["malloc_entries"]]),)
        return Answer(value, _why_silent(slot, twin), FAILS if shown else HOLDS, proof)

    return claim


def _by_slot(slot: str | None) -> str:
    return HOLDS if slot == "GLOB_DAT" else CHANGED


def _why_silent(slot: str | None, twin: Fact) -> str:
    text = _GOT % slot if slot != "JUMP_SLOT" else "malloc has an entry in the PLT"
    found, twins = printed(twin, "ltrace"), twin["file"].get("malloc_slot")
    text += "; the C program built with -fno-plt, so that its malloc is bound by %s" % twins
    if found is None:
        return text + ", shows whether that is the cause: ltrace could not be asked"
    calls = allocator_calls(found)
    return text + ", %s: it is not about Rust" % ("is silent too" if not calls else "is heard")


def heard_in_c(data: SectionProxy, facts: Facts) -> Answer:
    row = facts["alloc"]
    slot, found = row["file"].get("malloc_slot"), printed(row, "ltrace")
    cause = "malloc is bound by %s: %s entry in the PLT, where ltrace stops" % (
        slot,
        "an" if slot == "JUMP_SLOT" else "no",
    )
    proof = (("alloc", [e["seq"] for e in row["malloc_entries"]]),)
    if found is None:
        value = "malloc(1), to judge by its relocation (%s)" % why_not(row, "ltrace")
        return Answer(value, cause, HOLDS if slot == "JUMP_SLOT" else CHANGED, proof, True)
    calls = ["%s(%s)" % (c["name"], ", ".join(c["args"])) for c in allocator_calls(found)]
    verdict = SAME if calls == ["malloc(1)"] else HOLDS if calls else FAILS
    return Answer(listed(calls) or "nothing", cause, verdict, proof)


def seen_with_x(data: SectionProxy, facts: Facts) -> Answer:
    command = "ltrace -x malloc"
    numbers: dict[str, int] = {}
    inferred: list[str] = []
    for name in ("vec", "empty"):
        found = printed(facts[name], command)
        entries = facts[name]["malloc_entries"]
        numbers[name] = len(entries if found is None else _at_function(found))
        inferred += [] if found else [why_not(facts[name], command)]
    same = (numbers["vec"], numbers["empty"]) == (data.getint("vec"), data.getint("empty"))
    user = [e for e in facts["vec"]["malloc_entries"] if e["origin"] == "user"]
    value = "%d and %d" % (numbers["vec"], numbers["empty"])
    if inferred:
        value += ", counted by brkpoint (%s)" % "; ".join(dict.fromkeys(inferred))
    cause = "the %d that the empty program lacks are the user's: %s" % (
        len(user),
        listed("%s bytes, %s" % (e["size"], e["purpose"] or "purpose unknown") for e in user),
    )
    proof = (("vec", [e["seq"] for e in user]),)
    return Answer(value, cause, SAME if same else CHANGED, proof, bool(inferred))


def _at_function(found: Fact) -> list[Fact]:
    """Calls seen at malloc itself, not in a PLT."""
    return [call for call in found["calls"] if call["name"] == "malloc" and call["library"]]


def loader_unseen(data: SectionProxy, facts: Facts) -> Answer:
    row = facts["empty"]
    found, loader = printed(row, "ltrace -x malloc"), row["loader_calls"]
    entries = row["malloc_entries"]
    seen = len(entries if found is None else _at_function(found))
    value = "%d of %d" % (seen, len(entries) + loader)
    if found is None:
        value += ", counted by brkpoint (%s)" % why_not(row, "ltrace -x malloc")
    cause = "the other %d are the loader's own, made before ltrace can set a breakpoint" % loader
    if not any("malloc" in found.get("defines", ()) for found in row["loader_exports"]):
        cause += "; and its malloc has no dynamic symbol that ltrace could look for"
    holds = loader and seen <= len(entries)
    return Answer(
        value, cause, HOLDS if holds else FAILS, (("empty", row["loader_seqs"]),), not found
    )


def three_lines(data: SectionProxy, facts: Facts) -> Answer:
    row, command = facts["alloc"], "ltrace -x malloc+free@*"
    found = printed(row, command)
    cause = "ltrace stops at the PLT entry and at malloc itself, twice on one call"
    entries = row["malloc_entries"]
    proof = (("alloc", [e["seq"] for e in entries]),)
    if found is None:
        value = "brkpoint sees %s (%s)" % (count(len(entries), "call"), why_not(row, command))
        return Answer(value, cause, EXPLAINED, proof, True)
    lines = [line for line in found["lines"] if "malloc" in line]
    inner = [call for call in found["calls"] if call["outer"] is not None]
    value = "%s: %s; brkpoint sees %s" % (
        count(len(lines), "line"),
        " | ".join(" ".join(line.split(" = ")[0].split()) for line in lines),
        count(len(entries), "call"),
    )
    verdict = SAME if len(lines) == 3 and len(inner) == 1 else CHANGED
    return Answer(value, cause, verdict, proof)


def realloc_agrees(row: Fact) -> str:
    """What `ltrace -x malloc+realloc` says to brkpoint's list of the Vec's reallocs."""
    found = printed(row, "ltrace -x malloc+realloc")
    if found is None:
        return "ltrace could not be asked: %s" % why_not(row, "ltrace -x malloc+realloc")
    sizes = [c["args"][1] for c in found["calls"] if c["name"] == "realloc" and len(c["args"]) == 2]
    ours = [str(step["to"]) for step in row["doubling"]]
    same = sizes[-len(ours) :] == ours if ours else not sizes
    return "ltrace shows %s" % (
        "the same sizes" if same else "%s" % grouped(len(sizes)) + " others"
    )
