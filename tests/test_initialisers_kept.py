"""What files themselves tell to begin at an address is read of each once, and then kept."""

import json
import os
import shutil

import pytest

from alloctrace import cache_folder
from alloctrace.elf import relocations as elf_relocations
from alloctrace.elf.elf import ElfFile
from alloctrace.symbols.cache import Cached
from start import symbol_gdb

from made_programs import compiled, history, module

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "cache" / "brkpoint")


@pytest.fixture
def program(tmp_path):
    return compiled(tmp_path, "-g", "-O0")


def cached(folder):
    """A gdb that knows nothing."""
    return Cached(folder, ask=lambda requests, gdb, roots: ([{} for _ in requests], []))


def known_of(folder, path, pcs):
    """What frames are known to be, by a run of its own."""
    program = module(path, role="executable")
    past = history([program], [program.base + pc for pc in pcs])
    named = symbol_gdb.symbolise(past, gdb=cached(folder))
    return [frame.known for frame in named[1]]


@needs_gcc
def test_initialisers_are_read_once(folder, program, monkeypatch):
    with ElfFile(program) as elf:
        pcs = [elf.function("early").value + 1, elf.entry + 1, elf.finalisers()[0] + 1]
    wanted = ["initialiser", "entry", "finaliser"]
    assert known_of(folder, program, pcs) == wanted
    monkeypatch.setattr(elf_relocations, "begun", None)  # calling None would fail
    assert known_of(folder, program, pcs) == wanted
    shutil.copy(program, program + ".anew")
    os.replace(program + ".anew", program)  # another file, as far as can be told
    with pytest.raises(TypeError):
        known_of(folder, program, pcs)


@needs_gcc
@pytest.mark.parametrize("bad", ['[[4,"main"]]', '[["4","finaliser"]]', "[[4]]", "7"])
def test_twin_initialisers_that_are_none_are_not_believed(folder, program, bad):
    with ElfFile(program) as elf:
        pcs = [elf.function("early").value + 1]
    known_of(folder, program, pcs)
    (name,) = (name for name in os.listdir(folder) if name != cache_folder.LOOKED)
    path = os.path.join(folder, name)
    with open(path, encoding="ascii") as file:
        lines = [json.loads(line) for line in file]
    assert any(line["begun"] for line in lines)
    with open(path, "w", encoding="ascii") as file:
        for line in lines:
            line["begun"] = line["begun"] and json.loads(bad)
            file.write(json.dumps(line) + "\n")
    assert cached(folder).begun(program) is None
    assert known_of(folder, program, pcs) == ["initialiser"]
