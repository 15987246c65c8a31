"""A child that has its parent's memory until it execs or ends (vfork, posix_spawn): what it asks
for there is its parent's, what becomes of it is not."""

import pytest
import recorder_runs
from engine_runs import compile_c
from recorder_runs import NOT_BUILT, both, probe

LOADS = r"""
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    void *plug = dlopen(argv[1], RTLD_NOW);
    if (!plug)
        return 1;
    if (fork() == 0) {
        dlclose(plug);
        _exit(0);
    }
    wait(NULL);
    void *(*ask)(void) = (void *(*)(void))dlsym(plug, "ask");
    free(ask()); /* the parent has it still */
    dlclose(plug);
    return 0;
}
"""
PLUG = "#include <stdlib.h>\nvoid *ask(void) { return malloc(1013); }\n"
pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


@pytest.mark.parametrize("way", ["lent-_exit", "lent-exit", "spawn-fails"])
def test_its_end_ends_no_phase_of_its_parent(tmp_path, way):
    past = both(tmp_path, [probe("children.c"), way]).history
    assert [border.how for border in past.borders[-2:]] == ["entry of main", "main returned"]
    marked = [e for e in past.events if e.kind == "call" and e.size in (1009, 1013, 1019)]
    assert {(event.phase, event.pid) for event in marked} == {("main", past.run["pid"])}
    assert sorted(event.size for event in marked) == (
        [1009, 1009] if way == "spawn-fails" else [1009, 1009, 1013, 1019]
    )
    ended = [event.block for event in past.events if event.name == "free" and event.ptr]
    assert None not in ended and {event.block for event in marked} <= set(ended)


def test_twin_its_parents_own_end(tmp_path):
    past = both(tmp_path, [probe("children.c"), "then-_exit"]).history
    assert past.borders[-1].how == "system call exit_group"


def test_a_library_that_a_child_closes_is_its_parents_still(tmp_path):
    plug = compile_c(tmp_path, PLUG, "-shared", "-fPIC", name="plug.so")
    past = both(tmp_path, [compile_c(tmp_path, LOADS, "-ldl"), plug]).history
    (asked,) = [event for event in past.events if event.size == 1013 and event.outer is None]
    pcs = [pc for pc, _ in past.stacks[asked.stack].frames]
    (module,) = [module for module in past.modules if module.path == plug]
    assert any(module.start <= pc < module.end for pc in pcs)
    assert module.unloaded_ns > asked.t_ns and past.notes == []
