"""Verdicts that came out wrong in whole runs, as stacks: each with the twin that stays."""

import pytest

from alloctrace.model import Frame
from alloctrace.origin import origin


def frame(function, role="executable", **more):
    module = "a.out" if role == "executable" else "libc.so.6"
    return Frame(0x1000, module, "/x/" + module, role, 0x10, function, **more)


@pytest.mark.parametrize("libc, wanted", [("none", "user"), ("static", "runtime")])
def test_start_is_the_users_only_where_there_is_no_libc(libc, wanted):
    facts = origin.Facts(phase="main", name="brk", libc=libc)
    assert origin.decide((frame("_start", known="entry"),), facts).origin == wanted


def test_a_destructor_of_a_static_vector_is_the_users_and_not_rusts():
    stack = (
        frame("free", "system"),
        frame("std::__new_allocator<char>::deallocate"),
        frame("std::_Vector_base<char>::~_Vector_base"),
        frame("std::vector<char>::~vector"),
        frame("__run_exit_handlers", "system"),
        frame("exit", "system"),
        frame("__libc_start_call_main", "system"),
        frame("_start", known="entry"),
    )
    verdict = origin.decide(stack, origin.Facts(phase="exit", name="free"))
    assert (verdict.origin, verdict.owner) == ("user", None)


def test_what_exit_handlers_themselves_free_is_the_runtimes():
    stack = (
        frame("free", "system"),
        frame("__run_exit_handlers", "system"),
        frame("exit", "system"),
        frame("__libc_start_call_main", "system"),
        frame("_start", known="entry"),
    )
    assert origin.decide(stack, origin.Facts(phase="exit", name="free")).origin == "runtime"
