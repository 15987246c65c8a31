"""The breakpoint engine on small programs: what it must see, and what it must leave alone."""

import re

import pytest
from engine_runs import calls, compile_c, record

TWO_CALLERS = """
#include <stdlib.h>
static void *volatile block;
__attribute__((noinline)) static void leaf(void) { block = malloc(13); free(block); }
__attribute__((noinline)) static void one(void) { leaf(); }
__attribute__((noinline)) static void two(void) { leaf(); }
int main(void) { for (int i = 0; i < 7; i++) { one(); two(); } return 0; }
"""


def _checked(recorded):
    text = " ".join(recorded.notes)
    return [
        int(n) for n in re.search(r"checked (\d+) remembered stacks, (\d+) wrong", text).groups()
    ]


@pytest.mark.parametrize("argv", [["ls", "/"], ["git", "--version"], ["perl", "-e", "1"]])
def test_remembered_stacks_equal_walked_ones(tmp_path, argv):
    recorded, _ = record(tmp_path, *argv, engine="gdb-scripts/checks/engine_checked.py")
    checked, wrong = _checked(recorded)
    assert checked > 10
    assert wrong == 0


def test_two_callers_at_one_stack_pointer_stay_apart(tmp_path):
    program = compile_c(tmp_path, TWO_CALLERS)
    recorded, _ = record(tmp_path, program, engine="gdb-scripts/checks/engine_checked.py")
    assert _checked(recorded)[1] == 0
    stacks = {
        e.stack for e in recorded.events if e.kind == "call" and e.name == "malloc" and e.size == 13
    }
    assert len(stacks) == 2


def test_the_check_of_stacks_can_fail(tmp_path):
    program = compile_c(tmp_path, TWO_CALLERS)
    recorded, _ = record(tmp_path, program, engine="gdb-scripts/checks/engine_gullible.py")
    assert _checked(recorded)[1] > 0


def test_aliases_are_told_apart_by_their_call_sites(tmp_path):
    source = """
    #include <stdlib.h>
    #include <malloc.h>
    int main(void)
    {
        free(memalign(64, 11));
        free(aligned_alloc(64, 64));
        return 0;
    }
    """
    recorded, _ = record(tmp_path, compile_c(tmp_path, source))
    names = [name for name, _ in calls(recorded)]
    assert names == ["memalign", "free", "aligned_alloc", "free"]


def test_after_an_exec_that_failed_events_go_on(tmp_path):
    source = """
    #include <stdlib.h>
    #include <unistd.h>
    int main(void)
    {
        char *argv[] = {"x", 0};
        execv("/nonexistent/program", argv);
        return !malloc(1009);
    }
    """
    recorded, printed = record(tmp_path, compile_c(tmp_path, source))
    assert "outcome exited 0 True" in printed
    assert calls(recorded) == [("malloc", 1009)]
    assert len(recorded.images) == 1


def test_an_exec_begins_a_new_image(tmp_path):
    second = compile_c(
        tmp_path, "#include <stdlib.h>\nint main(void) { return !malloc(1013); }", name="b"
    )
    source = """
    #include <stdlib.h>
    #include <unistd.h>
    int main(int argc, char **argv)
    {
        void *volatile block = malloc(1009);
        return block ? execv(argv[1], argv + 1) : 2;
    }
    """
    recorded, printed = record(tmp_path, compile_c(tmp_path, source), second)
    assert "outcome exited 0 True" in printed
    found = [(e.image, e.size) for e in recorded.events if e.phase == "main" and e.kind == "call"]
    assert found == [(0, 1009), (1, 1013)]


PLUGIN = """
#include <stdlib.h>
void *work(void) { return calloc(7, 11); }
"""
CLOSER = """
#include <dlfcn.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    for (int i = 0; i < 3; i++) {
        void *handle = dlopen(argv[1], RTLD_NOW);
        void *(*work)(void) = handle ? (void *(*)(void))dlsym(handle, "work") : 0;
        if (!work)
            return 1;
        free(work());
        dlclose(handle);
    }
    return !malloc(1009);
}
"""


def test_code_that_goes_away_takes_its_breakpoints_along(tmp_path):
    """calloc's callers are watched by return address: that lies in the plugin, which goes."""
    plugin = compile_c(tmp_path, PLUGIN, "-shared", "-fPIC", name="plugin.so")
    recorded, printed = record(tmp_path, compile_c(tmp_path, CLOSER), plugin)
    assert "outcome exited 0 True" in printed
    assert recorded.lost == 0
    mine = [call for call in calls(recorded) if call in (("calloc", 11), ("malloc", 1009))]
    assert mine == [("calloc", 11)] * 3 + [("malloc", 1009)]
    assert all(event.dur_ns is not None for event in recorded.events)


def test_threads_are_never_mixed(tmp_path):
    source = """
    #include <pthread.h>
    #include <stdlib.h>
    static void *work(void *size)
    {
        for (int i = 0; i < 53; i++)
            free(malloc((size_t)size));
        return 0;
    }
    int main(void)
    {
        pthread_t threads[4];
        for (size_t i = 0; i < 4; i++)
            if (pthread_create(&threads[i], 0, work, (void *)(1009 + i)))
                return 1;
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], 0);
        return 0;
    }
    """
    recorded, _ = record(tmp_path, compile_c(tmp_path, source, "-pthread"))
    sizes = {}
    for event in recorded.events:
        if event.name == "malloc" and event.size and 1009 <= event.size < 1013:
            sizes.setdefault(event.tid, []).append(event.size)
    assert sorted(sizes.values()) == [[1009 + i] * 53 for i in range(4)]
    assert recorded.lost == 0


def test_the_targets_own_traps_are_given_back(tmp_path):
    source = """
    #include <signal.h>
    static volatile int count;
    static void handler(int number) { count++; }
    int main(void)
    {
        signal(SIGTRAP, handler);
        for (int i = 0; i < 5; i++) {
            __asm__ volatile("int3");
            raise(SIGTRAP);
        }
        return count;
    }
    """
    _, printed = record(tmp_path, compile_c(tmp_path, source))
    assert "outcome exited 10 True" in printed


def test_a_stripped_static_program_has_no_hooks_but_its_syscalls(tmp_path):
    source = "#include <stdlib.h>\nint main(void) { return !malloc(1009); }"
    recorded, _ = record(tmp_path, compile_c(tmp_path, source, "-static", "-s"))
    assert not recorded.hooks
    assert [e.kind for e in recorded.events] == ["syscall"] * len(recorded.events)
    assert [border.phase for border in recorded.borders] == ["init", "main", "exit"]
    assert any(event.name == "brk" and event.size for event in recorded.events)


def test_a_program_that_traces_itself_is_told(tmp_path):
    source = (
        "#include <sys/ptrace.h>\nint main(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0) == 0; }"
    )
    recorded, _ = record(tmp_path, compile_c(tmp_path, source))
    assert any("ptrace" in note for note in recorded.notes)
    recorded, _ = record(tmp_path, compile_c(tmp_path, "int main(void) { return 0; }"))
    assert not any("ptrace" in note for note in recorded.notes)


def test_loader_calls_are_the_same_without_debug_files(tmp_path):
    program = compile_c(tmp_path, "int main(void) { return 0; }")
    with_symbols, _ = record(tmp_path, program)
    without, _ = record(tmp_path, program, symbols=False)
    assert calls(with_symbols, "load")
    assert calls(with_symbols, "load") == calls(without, "load")


def test_phases_are_found_in_a_stripped_program(tmp_path):
    source = """
    #include <stdlib.h>
    __attribute__((constructor)) static void before(void) { free(malloc(1009)); }
    __attribute__((destructor)) static void after(void) { free(malloc(1019)); }
    int main(void) { free(malloc(1013)); return 0; }
    """
    recorded, _ = record(tmp_path, compile_c(tmp_path, source, "-s"))
    found = {e.size: e.phase for e in recorded.events if e.name == "malloc" and e.phase != "load"}
    assert found == {1009: "init", 1013: "main", 1019: "exit"}
    assert all(border.rss_bytes for border in recorded.borders)
