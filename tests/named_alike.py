"""Names with and without gdb: the functions, files and lines of addresses all over files, named by
gdb alone and by what is read without it (symbols/tables.py, start/lines.py), must be the same.

As a program: named_alike.py [--addresses N] [--seed N] PATH...: files, and folders of them. It says
of each file how many addresses were named without gdb; status 1 if any differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections import namedtuple

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path[:0] = [TOP, os.path.join(TOP, "tests")]

from alloctrace.elf.elf import ElfError, ElfFile  # noqa: E402
from alloctrace.symbols import symbols  # noqa: E402
from alloctrace.symbols.cache import Cached  # noqa: E402
from alloctrace.symbols.index import Index  # noqa: E402
from start import lines, symbol_gdb  # noqa: E402
from made_programs import history, module  # noqa: E402

_SHF_EXECINSTR, _SHT_PROGBITS = 4, 1
# asked, left: numbers of addresses; different: [(address, frames by gdb, frames)]
Compared = namedtuple("Compared", "asked lines left different")


def addresses(path, most, rng):
    """Offsets in code: where functions begin, end, in them, between them, and anywhere."""
    with ElfFile(path) as elf:
        code = [
            (section.vaddr, section.vaddr + section.size)
            for section in elf.section_list
            if section.flags & _SHF_EXECINSTR and section.type == _SHT_PROGBITS and section.size
        ]
        index = Index(elf, elf.debug_file())
    functions = list(zip(index.starts, index.ends))
    rng.shuffle(functions)
    found = set()
    for start, end in functions[:most]:
        found |= {start - 1, start, start + 1, (start + end) // 2, end - 1, end, end + 1}
        found.add(rng.randrange(start, max(start, end) + 1))
    for start, end in code:
        found.update(rng.randrange(start, end) for _ in range(most // 8))
        found |= {start, end - 1}
    found = sorted(at for at in found if any(start <= at < end for start, end in code))
    return sorted(rng.sample(found, most)) if len(found) > most else found


def _frames(path, offsets, gdb):
    program = module(path)
    past = history([program], *([program.base + offset] for offset in offsets))
    tree = symbols.symbolise(past, gdb=gdb, notes=[])
    program = [tree[number] for number in range(1, len(offsets) + 1)]
    return [
        [(f.function, f.file, f.line, f.inlined, f.start, f.module) for f in frames]
        for frames in program
    ]


def by_gdb(path, offsets):
    """The frames at each offset, when gdb is asked about all of them."""
    kept = symbols._Asked.leave_for_gdb
    symbols._Asked.leave_for_gdb = lambda asked: None
    try:
        return _frames(path, offsets, lambda requests: symbol_gdb.ask(requests, timeout=600))
    finally:
        symbols._Asked.leave_for_gdb = kept


def compared(path, offsets, read=lines.read):
    left = []

    def ask(requests, *how):
        left.extend(offset for _, asked in requests for offset in asked)
        return symbol_gdb.ask(requests, *how, timeout=600)

    folder = tempfile.mkdtemp()
    try:
        found = _frames(path, offsets, Cached(folder, ask, "gdb", lines=read))
    finally:
        shutil.rmtree(folder)
    wanted = by_gdb(path, offsets)
    rows = zip(offsets, wanted, found)
    different = [row for row in rows if row[1] != row[2]]
    return Compared(len(offsets), sum(bool(w[0][2]) for w in wanted), len(left), different)


def _files(paths):
    for path in paths:
        if os.path.isdir(path):
            inside = (os.path.join(path, name) for name in sorted(os.listdir(path)))
            yield from (name for name in inside if os.path.isfile(name))
        else:
            yield path


def _is_code(path):
    try:
        with ElfFile(path) as elf:
            return elf.is_supported and elf.type in ("EXEC", "DYN") and bool(elf.section_list)
    except (ElfError, OSError):
        return False


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--addresses", type=int, default=400, help="of a file, at most")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    files = asked = with_lines = left = without = different = 0
    seen = set()
    for path in _files(options.paths):
        real = os.path.realpath(path)
        if real in seen or not _is_code(real):
            continue
        seen.add(real)
        found = compared(real, addresses(real, options.addresses, random.Random(options.seed)))
        files, asked, left = files + 1, asked + found.asked, left + found.left
        with_lines, without = with_lines + found.lines, without + (not found.left)
        different += len(found.different)
        row = (real, found.asked, found.lines, found.left, len(found.different))
        print("%s: %d addresses, %d with a line, %d left to gdb, %d differ" % row, flush=True)
        for offset, wanted, ours in found.different[:3]:
            print("  %#x\n    gdb  %s\n    ours %s" % (offset, wanted, ours), flush=True)
    row = (files, asked, with_lines, left, different, without)
    text = "%d files: %d addresses, %d with a line, %d left to gdb, %d differ; %d files need no gdb"
    print(text % row)
    return 1 if different or not asked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
