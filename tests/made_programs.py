"""Small programs compiled here, and histories over them. For the tests of symbols."""

from __future__ import annotations

import re
import subprocess
from types import SimpleNamespace

from alloctrace.elf.elf import ElfFile
from alloctrace.model import Module
from alloctrace.spool import spool

SOURCE = r"""
#include <stdlib.h>
static inline __attribute__((always_inline)) void *inner(int n) {
    return malloc(n + 41);
}
static inline __attribute__((always_inline)) void *middle(int n) {
    void *p = inner(n);
    return p;
}
__attribute__((constructor)) static void early(void) { free(middle(3)); }
int main(int argc, char **argv) {
    void *p = middle(argc);
    free(p);
    return 0;
}
"""


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compiled(folder, *flags, source=SOURCE, compiler="gcc", name="program"):
    text = folder / ("a.c" if compiler == "gcc" else "a.cc")
    text.write_text(source)
    said(compiler, *flags, "-o", str(folder / name), str(text))
    return str(folder / name)


def module(path, id_=0, role="library", base=None, **more):
    elf = ElfFile(path)
    loads = [s for s in elf.segments if s.type == 1]
    if base is None:
        base = 0x7F0000000000 + (id_ << 32) if elf.type == "DYN" else 0
    end = max(s.vaddr + s.memsz for s in loads)
    start = min(s.vaddr for s in loads)
    return Module(id_, path, base, base + start, base + end, elf.build_id, role, **more)


def history(modules, *stacks, mains=(), events=(), hooks=None):
    """Each stack is a list of addresses, innermost first."""
    kept = {
        i: spool.Stack(i, 0, tuple((pc, 0) for pc in pcs)) for i, pcs in enumerate(stacks, start=1)
    }
    return SimpleNamespace(
        modules=modules,
        stacks=kept,
        mains=list(mains),
        events=list(events),
        images=[],
        hooks=hooks or {},
        run={},
        notes=[],
    )


def call_sites(path, callee):
    """Addresses after each call of `callee`, by objdump."""
    lines = said("objdump", "-d", "--no-show-raw-insn", path).splitlines()
    found = []
    for line, after in zip(lines, lines[1:]):
        if re.search(r"\bcallq?\b.*<%s@plt>" % callee, line):
            found.append(int(after.split(":")[0], 16))
    return found


def functions(frames):
    return [frame.function for frame in frames]
