"""When a namespace of the loader's goes, gdb forgets what it has written into the loader's code."""

import pytest
from engine_runs import calls, compile_c, record

LIBRARY = """
#include <stdlib.h>
void work(void)
{
    free(malloc(1013));
}
"""
PROGRAM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    for (int i = 0; i < 3; i++) {
        void *library = dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
        void (*work)(void) = library ? (void (*)(void))dlsym(library, "work") : abort;
        work();
        if (CLOSES)
            dlclose(library);
    }
    free(malloc(1019));
    return 3;
}
"""


@pytest.mark.parametrize("closes", [1, 0])
def test_a_namespace_that_goes(tmp_path, closes):
    """gdb ran its own byte in place of the loader's instruction, again and again: a hang."""
    library = compile_c(tmp_path, LIBRARY, "-shared", "-fPIC", name="library.so")
    program = compile_c(tmp_path, PROGRAM, "-DCLOSES=%d" % closes, "-ldl")
    recorded, out = record(tmp_path, program, library)
    assert out.strip() == "outcome exited 3 True"
    made = calls(recorded)
    assert made.count(("malloc", 1013)) == 3 and ("malloc", 1019) in made
    assert all(event.dur_ns is not None for event in recorded.events if event.kind == "call")
