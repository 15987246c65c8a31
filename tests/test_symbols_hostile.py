"""alloctrace.symbols.symbols where files lie, are damaged or gone, and where gdb fails."""

import json
import os
import random
import shutil
import subprocess

import pytest

from alloctrace.elf.elf import ElfFile
from alloctrace.symbols import gdb as symbol_gdb, symbols

from made_programs import call_sites, compiled, functions, history, module

needs_gdb = pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb")
pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")


def test_without_gdb_the_tables_name(tmp_path):
    path = compiled(tmp_path, "-O1", "-g", "-fno-builtin")
    program = module(path, role="executable")
    site = call_sites(path, "malloc")[0]
    past = history([program], [program.base + site])
    frames = symbols.symbolise(past, gdb=str(tmp_path / "no-such-gdb"))[1]
    assert functions(frames) in (["early"], ["main"])
    assert any("gdb cannot be run" in note for note in past.notes)


def test_a_failing_gdb_is_said(tmp_path):
    path = compiled(tmp_path, "-O1", "-g")
    fake = tmp_path / "gdb"
    fake.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    fake.chmod(0o755)
    program = module(path, role="executable")
    past = history([program], [program.base + ElfFile(path).function("main").value])
    assert functions(symbols.symbolise(past, gdb=str(fake))[1]) == ["main"]
    assert any("status 3" in note and "broken" in note for note in past.notes)


@needs_gdb
def test_another_file_under_the_same_path_names_nothing(tmp_path):
    path = compiled(tmp_path, "-g")
    program = module(path, role="executable")
    pc = program.base + ElfFile(path).function("main").value
    past = history([program], [pc])
    assert functions(symbols.symbolise(past)[1]) == ["main"] and past.notes == []
    compiled(tmp_path, "-g", source="int f(void) { return 3; } int main(void) { return f(); }")
    past = history([program], [pc])
    frames = symbols.symbolise(past)[1]
    assert functions(frames) == [None] and frames[0].role == "executable"
    assert "changed" in past.notes[0]
    os.unlink(path)
    past = history([program], [pc])
    assert functions(symbols.symbolise(past)[1]) == [None] and len(past.notes) == 1


@needs_gdb
@pytest.mark.parametrize(
    "name", ["with blank", "quo'te\"s", "new\nline", "-x", "$(touch x)", "\\back", "ü", "|ls"]
)
def test_hostile_paths_are_data(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    path = compiled(folder, "-g", name="program " + name)
    program = module(path, role="executable")
    past = history([program], [program.base + ElfFile(path).function("main").value])
    frames = symbols.symbolise(past)[1]
    assert (functions(frames), past.notes) == (["main"], [])
    assert frames[0].line is not None and frames[0].path == path
    assert not os.path.exists("x")


@needs_gdb
def test_code_in_the_target_is_not_run(tmp_path):
    """.debug_gdb_scripts is how a file asks gdb to run Python."""
    proof = tmp_path / "proof"
    text = '.section .debug_gdb_scripts,"MS",@progbits,1\n.byte 4\n.asciz "x\\nopen(%r, \'w\')\\n"'
    asm = (text % str(proof)).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    path = compiled(tmp_path, "-g", source='__asm__("%s\\n.text"); int main(void) {}' % asm)
    assert b"open(" in ElfFile(path).section_data(".debug_gdb_scripts")
    program = module(path, role="executable")
    past = history([program], [program.base + ElfFile(path).function("main").value])
    assert functions(symbols.symbolise(past)[1]) == ["main"]
    assert not proof.exists()
    iex = "set auto-load safe-path /"
    subprocess.run(["gdb", "-nx", "-batch", "-iex", iex, path], capture_output=True)
    assert proof.exists()  # the twin: gdb's own ways would have run it


def test_damaged_files_never_stop_it(tmp_path):
    path = compiled(tmp_path, "-g")
    program = module(path, role="executable")
    pc = program.base + ElfFile(path).function("main").value
    with open(path, "rb") as file:
        data = file.read()
    for length in range(0, len(data), 1511):
        with open(path, "wb") as file:
            file.write(data[:length])
        past = history([program], [pc])
        assert len(symbols.symbolise(past, gdb=None)[1]) == 1


def test_mutated_files_never_stop_it(tmp_path):
    """The build id stays, so that the damaged file is taken for the one that ran."""
    path = compiled(tmp_path, "-g")
    program = module(path, role="executable")
    with open(path, "rb") as file:
        data = file.read()
    with ElfFile(path) as elf:
        pcs = [program.base + elf.function(name).value + 3 for name in ("main", "_start", "_init")]
    note = data.find(bytes.fromhex(program.build_id))
    rng = random.Random(11)
    for _ in range(300):
        copy = bytearray(data)
        for _ in range(rng.choice((1, 4, 40))):
            low, high = rng.choice(((0, 0x600), (len(data) - 0xA00, len(data))))
            copy[rng.randrange(low, high)] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        copy[note - 16 : note + 20] = data[note - 16 : note + 20]
        with open(path, "wb") as file:
            file.write(copy)
        found = symbols.symbolise(history([program], pcs), gdb=None)
        assert len(found[1]) == 3


def test_a_file_that_ends_gdb_costs_only_itself(tmp_path):
    """A gdb that dies at one file is asked again for the others."""
    good = [compiled(tmp_path, "-shared", "-fPIC", name="lib%d.so" % i) for i in range(3)]
    gdb = tmp_path / "gdb"
    gdb.write_text(DYING_GDB % str(tmp_path / "lib1.so"))
    gdb.chmod(0o755)
    requests = [(path, [7 + i]) for i, path in enumerate(good)]
    answers, problems = symbol_gdb.ask(requests, str(gdb))
    assert answers == [{7: {"chain": []}}, {}, {9: {"chain": []}}]
    assert len(problems) == 1 and "status 9" in problems[0]


DYING_GDB = """#!/usr/bin/python3
import json, os, sys
with open("answer.jsonl", "w") as out:
    for index, module in enumerate(json.load(open("request.json"))["modules"]):
        if os.readlink(module["file"]) == %r:
            out.write('{"module": ')
            out.flush()
            os._exit(9)
        found = {str(offset): {"chain": []} for offset in module["offsets"]}
        print(json.dumps({"module": index, "found": found}), file=out, flush=True)
"""


def test_a_temporary_folder_that_cannot_be_written(tmp_path, monkeypatch):
    path = compiled(tmp_path, "-g")
    program = module(path, role="executable")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    past = history([program], [program.base + ElfFile(path).function("main").value])
    assert functions(symbols.symbolise(past)[1]) == ["main"]
    assert "no symbols from gdb" in past.notes[0]


def test_gdbs_answers_are_read_line_by_line_and_not_without_end(tmp_path, monkeypatch):
    path = tmp_path / "answer.jsonl"
    rows = [{"module": at, "found": {"7": {"chain": [], "symbol": None}}} for at in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"module": 3, "fo')
    requests = [("/a", {7})] * 4
    assert set(symbol_gdb._answers(str(path), requests)[0]) == {0, 1, 2}
    monkeypatch.setattr(symbol_gdb, "_MAX_ANSWER", 2 * len(json.dumps(rows[0])))
    assert set(symbol_gdb._answers(str(path), requests)[0]) == {0}
    assert symbol_gdb._answers(str(tmp_path / "none"), requests) == ({}, [])
