"""The loader's own allocator: found without symbols it gives the same calls as with them."""

import shutil

import pytest

import target_programs
import witnesses
from alloctrace.elf.elf import ElfFile

COMMANDS = {
    "true": ["/bin/true"],
    "ls": ["/bin/ls", "/"],
    "git": ["git", "--version"],
    "python": ["/usr/bin/python3", "-c", "pass"],
}
TARGETS = ["success", "alloc", "dlopen", "empty", "static_object", "success.through-ld-linux"]
PROGRAMS = {program.name: program.command for program in target_programs.programs()}
LOADER = "/lib64/ld-linux-x86-64.so.2"


@pytest.fixture(scope="module")
def both_ways():
    loader = ElfFile(LOADER)
    if not loader.loader_malloc(()):
        pytest.skip("this loader exports its malloc, or has a shape of its own")
    if {entry.source for entry in loader.loader_malloc().values()} != {"symbols"}:
        pytest.skip("no debug file of the loader (libc6-dbg)")


def compare(command, folder):
    with_symbols, _ = witnesses.recorded(command, folder)
    without, _ = witnesses.recorded(command, folder, symbols=False)
    return witnesses.loader_calls(with_symbols), witnesses.loader_calls(without)


@pytest.mark.parametrize("name", TARGETS)
def test_targets(built, both_ways, name, tmp_path):
    if name not in PROGRAMS:
        pytest.skip("not built: " + name)
    with_symbols, without = compare(PROGRAMS[name], tmp_path)
    assert with_symbols == without and len(with_symbols) > 10


@pytest.mark.parametrize("name", COMMANDS)
def test_programs_of_the_system(both_ways, name, tmp_path):
    if not shutil.which(COMMANDS[name][0]):
        pytest.skip("no " + name)
    with_symbols, without = compare(COMMANDS[name], tmp_path)
    assert with_symbols == without and len(with_symbols) > 10


def test_twin_a_static_program_has_no_loader(built, tmp_path):
    if "success.static" not in PROGRAMS:
        pytest.skip("not built")
    assert compare(PROGRAMS["success.static"], tmp_path) == ([], [])


def test_twin_another_program_differs(built, both_ways, tmp_path):
    first, _ = witnesses.recorded(PROGRAMS["success"], tmp_path)
    second, _ = witnesses.recorded(COMMANDS["ls"], tmp_path, symbols=False)
    assert witnesses.loader_calls(first) != witnesses.loader_calls(second)
