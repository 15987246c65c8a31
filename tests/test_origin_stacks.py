"""Who asked, over real recorded stacks: tests/data/stacks, one case a line."""

import json
import os
from alloctrace.plain import replace

import pytest

from alloctrace.model import Frame
from alloctrace.origin import origin
from alloctrace.origin.facts import Facts

FOLDER = os.path.join(os.path.dirname(__file__), "data", "stacks")


def read_cases():
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            for case in json.load(file):
                yield pytest.param(case, id="%s: %s" % (name[:-5], case["what"]))


CASES = list(read_cases())
VALUES = [case.values[0] for case in CASES]


def frames_of(case):
    return tuple(Frame(**frame) for frame in case["stack"])


def facts_of(case):
    facts = dict(case["facts"])
    facts["holds"] = frozenset(facts.get("holds", ()))
    return Facts(**facts)


def find(what):
    return next(case for case in VALUES if case["what"] == what)


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    expect, stack = dict(case["expect"]), frames_of(case)
    verdict = origin.decide(stack, facts_of(case))
    assert (verdict.origin, verdict.owner) == (expect.pop("origin"), expect.pop("owner", None))
    if "by" in expect:
        assert stack[verdict.decided_by].function == expect.pop("by")
    if "via" in expect:
        assert list(verdict.via) == expect.pop("via")
    if "has_via" in expect:
        assert expect.pop("has_via") in verdict.via
    for name, value in expect.items():
        assert getattr(verdict, name) == value


def test_frames_remembered_from_another_stack_change_no_verdict():
    """One frame of each kind, as classify.classify has it: stacks of a program share them."""
    frames, seen = {}, {}
    for case in VALUES:
        facts = facts_of(case)
        program = (facts.libc, facts.holds)
        stack = tuple(frames.setdefault((repr(f), *program), f) for f in frames_of(case))
        known = seen.setdefault(program, {})
        for _ in range(2):
            assert origin.decide(stack, facts, seen=known) == origin.decide(stack, facts)
    assert sum(map(len, seen.values())) < sum(len(case["stack"]) for case in VALUES)


@pytest.mark.parametrize("case", CASES)
def test_verdict_is_complete(case):
    """A rule always; a frame and a confidence for whatever is not unknown."""
    stack = frames_of(case)
    verdict = origin.decide(stack, facts_of(case))
    assert verdict.rule
    if verdict.origin == "unknown":
        assert verdict.decided_by is None and not verdict.confidence
    elif verdict.confidence != "phase":
        assert 0 <= verdict.decided_by < len(stack)
    assert not (verdict.direct and verdict.origin != "user")
    assert not (verdict.direct and verdict.via)


def test_there_are_enough_real_cases():
    assert len(CASES) >= 40


def decided_away(case):
    """The verdict when the deciding frame and all further out are cut off."""
    stack, facts = frames_of(case), facts_of(case)
    verdict = origin.decide(stack, facts)
    return origin.decide(stack[: verdict.decided_by], facts)


@pytest.mark.parametrize(
    "what",
    [
        "strdup in a function of the program",
        "libstdc++'s pool, before the entry point",
        "free in libselinux's destructor",
        "an ended thread's stack",
        "malloc from main",
        "stack guard: the signal stack",
        "exception object",
    ],
)
def test_without_the_deciding_frame_nothing_is_claimed(what):
    verdict = decided_away(find(what))
    assert (verdict.origin, verdict.direct) == ("unknown", False)


def test_a_library_of_the_users_is_not_the_systems():
    case = find("free in libselinux's destructor")
    stack = tuple(
        replace(frame, role="user") if frame.module.startswith("libselinux") else frame
        for frame in frames_of(case)
    )
    assert origin.decide(stack, facts_of(case)).origin == "user"


def test_libc_names_in_a_dynamic_program_are_the_users():
    """A function that is called `regcomp`, in a program that has no libc linked in."""
    case = find("regcomp's inner functions are libc's")
    verdict = origin.decide(frames_of(case), replace(facts_of(case), libc="shared"))
    assert (verdict.origin, verdict.direct) == ("user", True)


def test_a_mixed_program_is_unknown_and_only_then():
    case = find("stripped: unknown")
    facts = replace(facts_of(case), executable_mixed=False, holds=frozenset())
    assert origin.decide(frames_of(case), facts).origin == "user"


def test_the_users_main_tells_in_a_stripped_program():
    case = find("stripped: unknown")
    stack = list(frames_of(case))
    at = next(index for index, frame in enumerate(stack) if frame.role == "executable")
    stack[at] = replace(stack[at], known="user_main")
    verdict = origin.decide(stack, facts_of(case))
    assert (verdict.origin, verdict.direct, verdict.confidence) == ("user", False, "address")


def test_beneath_the_users_main_a_stripped_programs_code_is_anybodys():
    """Its runtime may have been called from there: std::thread, stdout's buffer."""
    case = find("stripped: unknown")
    stack = list(frames_of(case))
    at = next(index for index, frame in enumerate(stack) if frame.role == "executable")
    stack.insert(at + 1, replace(stack[at], known="user_main"))
    verdict = origin.decide(stack, facts_of(case))
    assert verdict.origin == "unknown" and "stripped" in verdict.rule
    named = replace(facts_of(case), executable_mixed=False, holds=frozenset())
    assert origin.decide(stack, named).origin == "user"


def test_phase_load_alone_proves_the_loader():
    facts = Facts("load", "mmap")
    verdict = origin.decide((), facts)
    assert (verdict.origin, verdict.confidence) == ("loader", "phase")
    assert origin.decide((), Facts("main", "mmap")).origin == "unknown"
    assert origin.decide((), Facts("load", "mmap", libc="none")).origin == "unknown"


def test_strdup_on_musl_is_not_the_loader():
    """musl's loader and libc are one file: the function decides, not the file."""
    main = Frame(0x10, "prog", role="executable", function="main", known="main")
    musl = dict(module="libc.so", path="/lib/ld-musl-x86_64.so.1", role="system")
    malloc = Frame(0x1, function="malloc", **musl)
    verdict = origin.decide((malloc, Frame(0x2, function="strdup", **musl), main), Facts())
    assert (verdict.origin, verdict.via, verdict.direct) == ("user", ("strdup",), False)
    loading = (malloc, Frame(0x2, function="load_library", **musl), main)
    verdict = origin.decide(loading, Facts())
    assert (verdict.origin, verdict.for_whom) == ("loader", "user")


def test_hostile_names_decide_nothing():
    for name in (
        "<" * 5000,
        "(" * 5000,
        "",
        "operator",
        "::",
        "\udcff",
        "a<b" * 3000,
        "_Z" + "9" * 99,
    ):
        frame = Frame(0x10, "prog", role="executable", function=name)
        assert origin.decide((frame, frame), Facts()).origin == "user"
        system = Frame(0x10, "libx.so.1", role="system", function=name)
        assert origin.decide((system, system), Facts()).origin == "unknown"


def test_a_namespace_called_core_is_rusts_in_rust_programs_only():
    where = dict(module="prog", role="executable")
    malloc = Frame(1, "libc.so.6", role="system", function="malloc")
    core = Frame(2, function="core::App::run", **where)
    stack = (malloc, core, Frame(3, function="main", known="main", **where))
    verdict = origin.decide(stack, Facts())
    assert (verdict.origin, verdict.direct, verdict.decided_by) == ("user", True, 1)
    verdict = origin.decide(stack[:2], Facts(holds=frozenset(["Rust"])))
    assert (verdict.origin, verdict.via) == ("unknown", ("core::App",))


def test_a_hostile_stack_costs_little():
    """The loader and the program call each other, four thousand deep."""
    prog = dict(module="prog", role="executable")
    loader = Frame(1, function="_dl_open", **prog)
    other = Frame(2, function="regcomp", **prog)
    facts = Facts(libc="static")
    assert origin.decide((loader, other) * 2000, facts).origin == "loader"
    shared = Frame(1, "ld-linux-x86-64.so.2", role="loader", function="_dl_open")
    system = Frame(2, "libx.so.1", role="system", function="x")
    assert origin.decide((shared, system) * 2000, Facts()).origin == "loader"


def split_stack(*inner, what="mmap"):
    """The verdict over these functions of a program, called by its `deep`."""
    names = [*inner, "deep", "main"]
    frames = [
        Frame(0x10 + at, "a.out", role="executable", function=n) for at, n in enumerate(names)
    ]
    frames.insert(0, Frame(1, "libc.so.6", role="system", function="syscall"))
    return origin.decide(frames, Facts("main", what))


def test_more_stack_is_asked_for_by_libgcc():
    verdict = split_stack("__generic_morestack", "__morestack")
    assert (verdict.origin, verdict.owner, verdict.decided_by) == ("runtime", "libgcc", 1)


def test_twin_a_context_or_room_that_the_program_asks_for_itself():
    for name in ("__splitstack_makecontext", "__morestack_allocate_stack_space"):
        verdict = split_stack(name)
        assert (verdict.origin, verdict.direct, verdict.decided_by) == ("user", False, 2)
    assert split_stack("my_morestack").origin == "user"


def test_what_a_thread_needs_is_asked_for_via_its_creation():
    """The loader's frames between are not the ones that asked: the walk went on behind them."""
    stack = tuple(
        Frame(index + 1, module, "/" + module, role, 0, function)
        for index, (function, module, role) in enumerate(
            [
                ("calloc", "libc.so.6", "system"),
                ("allocate_dtv", "ld-linux-x86-64.so.2", "loader"),
                ("pthread_create", "libc.so.6", "system"),
                ("main", "prog", "executable"),
            ]
        )
    )
    verdict = origin.decide(stack, Facts(phase="main", name="calloc"))
    assert (verdict.origin, verdict.via) == ("user", ("pthread_create",))
    without = origin.decide(stack[:2] + stack[3:], Facts(phase="main", name="calloc"))
    assert (without.origin, without.via) == ("loader", ())


def test_a_function_without_a_name_in_a_rust_program_that_is_not_stripped():
    """As of code that somebody wrote by hand: it has no mangled name that could tell Rust's own."""
    stack = (
        Frame(1, function="malloc", module="libc.so.6", role="system"),
        Frame(2, offset=5, module="prog", role="executable"),
    )
    verdict = origin.decide(stack, Facts(holds=frozenset({"Rust"})))
    assert (verdict.origin, verdict.decided_by, verdict.confidence) == ("user", 1, "address")
    mangled = (stack[0], replace(stack[1], function="_RNvC4prog3own"))
    assert origin.decide(mangled, Facts(holds=frozenset({"Rust"}))).origin == "unknown"


LOCAL = "std::thread::local::fast::destroy_value"
INFO = "std::sys_common::thread_info::ThreadInfo"


@pytest.mark.parametrize(
    "name, told",
    [
        (LOCAL, "unknown"),  # a symbol table names no type
        (LOCAL + "<core::cell::RefCell<core::option::Option<%s>>>" % INFO, "runtime"),
        (LOCAL + "<core::cell::RefCell<mine::Notes>>", "user"),
    ],
)
def test_whose_thread_local_variable_it_was_is_said_where_a_name_tells(name, told):
    """As in rustc 1.48 with glibc 2.31: at the end of the main thread."""
    inside = [("free", "libc-2.31.so", "system"), (name, "a.out", "executable")]
    outside = [(f, "libc-2.31.so", "system") for f in ("__call_tls_dtors", "__run_exit_handlers")]
    stack = tuple(Frame(1, m, role=r, function=f) for f, m, r in inside + outside)
    facts = Facts("exit", "free", libc="shared", holds=frozenset(["Rust"]))
    assert origin.decide(stack, facts).origin == told
