"""The article's steps about calls of malloc and realloc, answered from this run's facts.

Each function takes (data, facts) and returns (value here, cause, verdict), as in
article_claims_files.
"""

from __future__ import annotations

from reports.article_claims_files import brk_mmap, hidden_from_ltrace
from reports.article_words import CHANGED, EXPLAINED, FAILS, HOLDS, SAME, compared, several
from reports.sentences import count, exact_size, grouped, listed


def size_of_the_vec(data, facts):
    rows = facts["vec"]["doubling"]
    asked = rows[-1]["to"] if rows else 0
    value = "%s in its last block; at most %s live" % (
        exact_size(asked),
        exact_size(facts["vec"]["peak_bytes"]),
    )
    used = 50 * 1024 * 1024 * 8  # the program's own loop: 50 Mi elements of a usize
    cause = "its elements take %s; doubling asked for more" % exact_size(used)
    return value, cause, CHANGED


def still_hidden(data, facts):
    slots = {"empty": facts["vec"], "alloc": facts["alloc"], "alloc.no-plt": facts["alloc.no-plt"]}
    return hidden_from_ltrace(data, slots)


def down_to_malloc(data, facts):
    for name in ("vec_fn", "vec"):
        chain = facts.get(name, {}).get("first_user_stack")
        if chain:
            value = " < ".join(chain)
            return value, "the stack of %s's first block shows the way" % name, EXPLAINED
    return "no stack of the user's", "", FAILS


def first_stop(data, facts):
    row = facts["vec"]
    size = row["loader_first_size"]
    if size is None:
        return "no call of the loader's was seen", "", FAILS
    value = "%s (%d bytes), in phase load" % (row["loader_first_function"], size)
    return value, "the loader's own allocator is entered first", compared(size, data.getint("size"))


def far_more_calls(data, facts):
    row = facts["empty"]
    syscalls = sum(brk_mmap(row))
    value = "%s calls, %s of them reached the kernel; %s brk and mmap in all" % tuple(
        map(grouped, (row["calls"], row["calls_reaching_kernel"], syscalls))
    )
    cause = "%d calls were answered from memory at hand; the other syscalls map files" % (
        row["calls"] - row["calls_reaching_kernel"]
    )
    return value, cause, HOLDS if row["calls"] > row["calls_reaching_kernel"] else FAILS


def loader_and_libc(data, facts):
    row = facts["vec"]
    loader, libc = row["loader_calls"], len(row["malloc_entries"])
    same = (loader, libc) == (data.getint("loader"), data.getint("libc"))
    cause = "the loader keeps books for each of %s" % count(
        len(row["libraries"]), "library", "libraries"
    )
    return "%d and %d" % (loader, libc), cause, SAME if same else CHANGED


def panic_setup(data, facts):
    rows = facts["vec"]["first_calls"]
    known = [row["purpose"] for row in rows if row["purpose"]]
    panic = [text for text in known if "panic" in text]
    value = "of the first %d calls: %s" % (len(rows), "; ".join(known) or "no purpose known")
    cause = "%d for panic, %d of unknown purpose" % (len(panic), len(rows) - len(known))
    if len(known) < len(rows):
        return value, cause, CHANGED
    return value, cause, HOLDS if len(panic) == len(rows) else FAILS


def where_the_calls_are(data, facts):
    row = facts["vec_fn"]
    phases = [entry["phase"] for entry in row["malloc_entries"]]
    after = phases.count("exit")
    inside = phases.count("main")
    before = len(phases) - inside - after
    value = "%d before, %d inside, %d after" % (before, inside, after)
    same = (inside, after) == (data.getint("inside"), data.getint("after"))
    cause = "" if same else "gdb's `f` is `frame`, which runs nothing; `finish` runs to the end"
    return value, cause, HOLDS if same else FAILS


def who_made_the_syscalls(data, facts):
    makers = {}
    for maker in facts["empty"]["syscall_makers"]:
        if maker["name"] in ("brk", "mmap"):
            who = maker["origin"] + (" (%s)" % maker["owner"] if maker["owner"] else "")
            makers[who] = makers.get(who, 0) + maker["count"]
    told = ["%s %d" % item for item in sorted(makers.items())]
    purposes = facts["empty"]["runtime_syscalls_for"]
    panic = [text for text in purposes if text and "panic" in text]
    cause = "the runtime's are for: %s" % "; ".join(text or "unknown" for text in purposes)
    return listed(told), cause, HOLDS if panic or None in purposes else FAILS


def sizes_of_the_calls(data, facts):
    sizes = [entry["size"] for entry in facts["vec"]["malloc_entries"]]
    then = [int(word) for word in data["sizes"].split()]
    value = "%s: %s" % (", ".join(map(str, sizes)), count(sum(sizes), "byte"))
    if sizes == then:
        return value, "", SAME
    return value, "the sizes are those of structures in libc and std, which change", CHANGED


def ltrace_in_c(data, facts):
    slot = facts["alloc"]["file"].get("malloc_slot")
    cause = "malloc has an entry in the PLT, where ltrace breaks" if slot == "JUMP_SLOT" else ""
    return "malloc is bound by %s" % slot, cause, HOLDS if slot == "JUMP_SLOT" else CHANGED


def seen_with_x(data, facts):
    vec, empty = (len(facts[name]["malloc_entries"]) for name in ("vec", "empty"))
    same = (vec, empty) == (data.getint("vec"), data.getint("empty"))
    entries = facts["vec"]["malloc_entries"]
    user = [entry["size"] for entry in entries if entry["origin"] == "user"]
    cause = "the user's are %s of them: %s bytes" % (len(user), listed(map(str, user)) or "no")
    return "%d and %d" % (vec, empty), cause, SAME if same else CHANGED


def loader_unseen(data, facts):
    row = facts["empty"]
    calls = row["loader_calls"]
    value = "%d of %d" % (len(row["malloc_entries"]), calls + len(row["malloc_entries"]))
    return value, "%s of the loader's own" % count(calls, "call"), HOLDS if calls else FAILS


def shown_in_three_lines(data, facts):
    calls = facts["alloc"]["user_calls"]
    number = calls.get("malloc", {}).get("count", 0)
    cause = "ltrace breaks at the PLT entry and at malloc itself: two stops on one call"
    return several(calls), cause, EXPLAINED if number == 1 else FAILS


def only_two_mallocs(data, facts):
    calls = facts["vec"]["user_calls"]
    row = calls.get("malloc", {"count": 0, "bytes": 0})
    same = (row["count"], row["bytes"]) == (data.getint("calls"), data.getint("bytes"))
    return several(calls), "the rest of the Vec is realloc", SAME if same else CHANGED


def doubling(data, facts):
    rows = facts["vec"]["doubling"]
    if not rows:
        return "no realloc", "", FAILS
    doubled = all(row["from"] is None or row["to"] == 2 * row["from"] for row in rows)
    value = "from %d to %d, %d calls" % (rows[0]["to"], rows[-1]["to"], len(rows))
    ends = (rows[0]["to"], rows[-1]["to"], len(rows))
    same = ends == tuple(data.getint(key) for key in ("first", "last", "calls"))
    cause = "each is twice the one before" if doubled else "not each is twice the one before"
    return value, cause, SAME if same and doubled else CHANGED


def pointer_stays(data, facts):
    rows = facts["vec"]["doubling"]
    still = [row["to"] for row in rows if row["moved"] is False]
    if not still:
        return "it moves each time", "", FAILS
    last = max(still)
    beyond = [row for row in rows if row["to"] > last]
    made = sorted({name for row in beyond for name in row["syscalls"]})
    value = "the same to %d, another in %d of the %d calls after it" % (
        last,
        sum(row["moved"] is True for row in beyond),
        len(beyond),
    )
    cause = "the larger ones are made by %s" % (listed(made) or "no syscall")
    return value, cause, compared(last, data.getint("last_same"))


def with_capacity(data, facts):
    calls, twin = facts["vec_reserved"], facts["vec"]
    reallocs = calls["user_calls"].get("realloc", {}).get("count", 0)
    value = "%s; no realloc" % several(calls["user_calls"])
    if reallocs:
        value = several(calls["user_calls"])
    cause = "%d mremap, beside %d without it" % tuple(
        row["memory_syscalls"].get("mremap", 0) for row in (calls, twin)
    )
    return value, cause, FAILS if reallocs else HOLDS
