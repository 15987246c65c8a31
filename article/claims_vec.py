"""The article's steps about the growing Vec (19, 33 to 36) and its parser (37).

Each function takes (data, facts) and returns an Answer, as in claims_kernel. Pure.
"""

from __future__ import annotations

from article import designs
from article.claims_ltrace import printed, realloc_agrees
from article.words import Answer, CHANGED, FAILS, HOLDS, SAME, compared, several
from reports.sentences import exact_size, grouped, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import SectionProxy

    from article.words import Fact, Facts

COMMAND = "ltrace -x malloc+realloc"


def size_of_the_vec(data: SectionProxy, facts: Facts) -> Answer:
    steps, reserved = facts["vec"]["doubling"], facts["vec_reserved"]["user_calls"]
    asked = steps[-1]["to"] if steps else 0
    elements = _largest(reserved.get("malloc", {"bytes": 0}), data)
    value = "%s of elements, in a last block of %s" % (
        _megabytes(elements),
        exact_size(asked),
    )
    cause = "a Vec made with its room at once asks for the first number, doubling for the second"
    cause += "; at most %s were live at one time" % exact_size(facts["vec"]["peak_bytes"])
    seqs = reserved.get("malloc", {}).get("seqs", [])
    proof = (("vec", [steps[-1]["seq"]] if steps else []), ("vec_reserved", seqs))
    near = abs(elements - data.getint("bytes")) < 1000000
    return Answer(value, cause, HOLDS if near else CHANGED, proof)


def _largest(row: Fact, data: SectionProxy) -> int:
    """Bytes of the reserved Vec: what its program asked for, but for stdout's small buffer."""
    return int(row["bytes"]) // 4096 * 4096


def _megabytes(number: int) -> str:
    return "%d MB (%s bytes)" % (round(number / 1e6), grouped(number))


def only_two_mallocs(data: SectionProxy, facts: Facts) -> Answer:
    calls = facts["vec"]["user_calls"]
    row = calls.get("malloc", {"count": 0, "bytes": 0, "seqs": []})
    same = (row["count"], row["bytes"]) == (data.getint("calls"), data.getint("bytes"))
    cause = "everything else of the Vec is realloc"
    proof = (("vec", row["seqs"]),)
    return Answer(several(calls), cause, SAME if same else CHANGED, proof)


def doubling(data: SectionProxy, facts: Facts) -> Answer:
    steps = facts["vec"]["doubling"]
    if not steps:
        return Answer("no realloc", "", FAILS)
    doubled = all(step["from"] is None or step["to"] == 2 * step["from"] for step in steps)
    ends = (steps[0]["to"], steps[-1]["to"], len(steps))
    value = "from %d to %d, %d calls; %s" % (*ends, realloc_agrees(facts["vec"]))
    same = ends == tuple(data.getint(key) for key in ("first", "last", "calls"))
    cause = "each is twice the one before" if doubled else "not each is twice the one before"
    proof = (("vec", [step["seq"] for step in steps]),)
    inferred = printed(facts["vec"], COMMAND) is None
    return Answer(value, cause, SAME if same and doubled else CHANGED, proof, inferred)


def pointer_stays(data: SectionProxy, facts: Facts) -> Answer:
    steps = facts["vec"]["doubling"]
    still = [step["to"] for step in steps if step["moved"] is False]
    if not still:
        return Answer("it moves each time", "", FAILS)
    last = max(still)
    beyond = [step for step in steps if step["to"] > last]
    value = "the same to %d, another in %d of the %d calls after it" % (
        last,
        sum(step["moved"] is True for step in beyond),
        len(beyond),
    )
    proof = (("vec", [step["seq"] for step in beyond]),)
    return Answer(
        value, _why_it_moves(steps, beyond), compared(last, data.getint("last_same")), proof
    )


def _why_it_moves(steps: list[Fact], beyond: list[Fact]) -> str:
    quiet = sum(not step["syscalls"] for step in steps)
    made = [name for step in beyond for name in step["syscalls"]]
    counts = ["%d %s" % (made.count(name), name) for name in dict.fromkeys(made)]
    cause = "%d calls find room behind the block and ask nobody; the larger ones make %s"
    cause %= quiet, listed(counts) or "no syscall"
    if "mremap" in made:
        cause += ": mremap moves the pages, not the bytes, and strace -e brk,mmap does not show it"
    return cause


def with_capacity(data: SectionProxy, facts: Facts) -> Answer:
    calls, twin = facts["vec_reserved"], facts["vec"]
    reallocs = calls["user_calls"].get("realloc", {}).get("count", 0)
    value = several(calls["user_calls"]) + ("" if reallocs else "; no realloc")
    numbers = [row["memory_syscalls"].get("mremap", 0) for row in (calls, twin)]
    cause = "%d mremap, beside %d without it; the article's text has 5 * 1024 * 1024, a tenth of"
    cause += " what its program pushes"
    proof = (("vec_reserved", calls["user_calls"].get("malloc", {}).get("seqs", [])),)
    return Answer(value, cause % tuple(numbers), FAILS if reallocs else HOLDS, proof)


def parser_bottleneck(data: SectionProxy, facts: Facts) -> Answer:
    """From the evaluator's three designs, as article/designs.py compares them."""
    value, cause, verdict = designs.answer(facts["evaluator"]["designs"])
    proof: list[tuple[str, list[int]]] = []
    for name in designs.TOLD:
        calls = facts[name]["user_calls"]
        proof.append((name, [seq for row in calls.values() for seq in row["seqs"]]))
    return Answer(value, cause, verdict, tuple(proof))
