"""What gdb would follow for debug information, and what of a user's environment would reach it."""

import os
import shutil
import subprocess
import time

import pytest

from alloctrace.elf import debug as elf_debug
from alloctrace.elf.elf import ElfFile
from alloctrace.symbols.cache import Cached
from start import symbol_gdb
from made_programs import compiled, functions, history, module
from target_programs import brkpoint

pytestmark = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("gdb") and shutil.which("objcopy")),
    reason="needs gcc, gdb and objcopy",
)
HUGE = 300 << 30
SECTIONS = {
    "link": (".gnu_debuglink", lambda folder, name: b"%s\0\0\0xV4\x12" % name),
    "link upwards": (
        ".gnu_debuglink",
        lambda folder, name: b"../%s/%s\0\0\0xV4\x12" % (os.path.basename(folder), name),
    ),
    "shared": (".gnu_debugaltlink", lambda folder, name: b"%s/%s\0%020d" % (folder, name, 0)),
}


def program(tmp_path, where):
    """A program, stripped of its own debug information, whose section names the file x.dbg."""
    path = compiled(tmp_path, "-g", "-O0", "-Wl,--build-id=none")
    section, content = SECTIONS[where]
    (tmp_path / "content").write_bytes(content(os.fsencode(tmp_path), b"x.dbg"))
    added = "%s=%s" % (section, tmp_path / "content")
    strip = ["--strip-debug"] if section == ".gnu_debuglink" else []
    subprocess.run(["objcopy", *strip, "--add-section", added, path], check=True)
    return path


def fifo(path):
    os.mkfifo(path)


def sparse(path):
    with open(path, "wb") as file:
        file.truncate(HUGE)


def device(path):
    os.symlink("/dev/zero", path)


def named(path):
    """(functions, notes) of main's first address, and seconds of waiting."""
    begin = time.monotonic()
    frames, notes = symbolised(path)
    return functions(frames), notes, time.monotonic() - begin


def symbolised(path):
    main = module(path, role="executable")
    past = history([main], [main.base + ElfFile(path).function("main").value])
    return symbol_gdb.symbolise(past)[1], past.notes


@pytest.mark.parametrize("where", SECTIONS)
@pytest.mark.parametrize("make", [fifo, sparse, device])
def test_what_is_no_debug_file_is_not_opened(tmp_path, where, make):
    path = program(tmp_path, where)
    make(tmp_path / "x.dbg")
    found, notes, waited = named(path)
    assert found == ["main"] and waited < symbol_gdb.TIMEOUT_S / 4
    assert len(notes) == 1 and "not a regular file of sensible size" in notes[0]


@pytest.mark.parametrize("where", SECTIONS)
def test_where_nothing_is_nothing_is_said(tmp_path, where):
    assert named(program(tmp_path, where))[:2] == (["main"], [])


def test_a_regular_file_is_opened(tmp_path):
    """It alone has line numbers."""
    path, debug = compiled(tmp_path, "-g", "-O0", "-Wl,--build-id=none"), tmp_path / "x.dbg"
    subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True)
    subprocess.run(["objcopy", "--strip-debug", "--add-gnu-debuglink", debug, path], check=True)
    assert lines(path) > 0
    debug.rename(tmp_path / "y.dbg")
    assert lines(path) == 0


@pytest.mark.parametrize("make", [fifo, sparse, device])
def test_gdb_waits_for_no_split_debug_information(tmp_path, make):
    """Names of .dwo files stand in the debug information; gdb opens none that is not regular."""
    path = compiled(tmp_path, "-g", "-O0", "-gsplit-dwarf")
    (split,) = tmp_path.glob("*.dwo")
    assert lines(path) > 0
    split.unlink()
    make(split)
    found, _, waited = named(path)
    assert found == ["main"] and waited < symbol_gdb.TIMEOUT_S / 4


def lines(path):
    """How many frames of main's first address have a line."""
    return sum(frame.line is not None for frame in symbolised(path)[0])


def test_the_file_that_debug_files_share_is_looked_at_too(tmp_path):
    path = compiled(tmp_path, "-g", "-O0")
    debug = tmp_path / "x.dbg"
    subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True)
    subprocess.run(["objcopy", "--strip-debug", "--add-gnu-debuglink", debug, path], check=True)
    with ElfFile(path) as elf:
        assert elf_debug.unfit(elf, ()) is None
        (tmp_path / "content").write_bytes(b"dwz\0" + bytes(20))
        added = ".gnu_debugaltlink=%s" % (tmp_path / "content")
        subprocess.run(["objcopy", "--add-section", added, debug], check=True)
        os.mkfifo(tmp_path / "dwz")
        assert elf_debug.unfit(elf, ()) == str(tmp_path / "dwz")


def test_the_file_with_a_programs_split_parts_is_looked_at_too(tmp_path):
    path = compiled(tmp_path)
    os.mkfifo(path + ".dwp")
    assert elf_debug.unfit(ElfFile(path), ()) == path + ".dwp"


def test_a_file_that_gdb_was_stopped_over_is_remembered(tmp_path):
    """Names of .dwo files stand in the debug information: nobody but gdb meets them."""
    good, bad = compiled(tmp_path, "-g"), compiled(tmp_path, "-g", name="bad")
    gdb = tmp_path / "gdb"
    gdb.write_text(STALLING_GDB % bad)
    gdb.chmod(0o755)
    asked = []

    def ask(requests, *more):
        asked.append([path for path, _ in requests])
        return symbol_gdb.ask(requests, *more, timeout=6)

    for time_ in ("first", "second"):
        cached = Cached(str(tmp_path / "cache"), ask, str(gdb))
        answers, problems = cached([(good, [1]), (bad, [2])])
        assert answers[1] == {} and len(problems) == 1, time_
    assert "is not asked about" in problems[0] and bad in problems[0]
    assert asked[0] == [good, bad] and all(bad not in paths for paths in asked[1:])
    os.utime(bad, (1, 1))  # another file, perhaps
    assert Cached(str(tmp_path / "cache"), ask, str(gdb))([(bad, [2])])[0] == [{}]
    assert asked[-1] == [bad]


STALLING_GDB = """#!/usr/bin/python3
import json, os, time
with open("answer.jsonl", "w") as out:
    for index, module in enumerate(json.load(open("request.json"))["modules"]):
        if os.readlink(module["file"]) == %r:
            time.sleep(99)
        print(json.dumps({"module": index, "found": {}}), file=out, flush=True)
"""


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "GDBHISTFILE"])
def test_nothing_of_the_users_environment_reaches_gdb(tmp_path, monkeypatch, name):
    path = compiled(tmp_path, "-g")
    proof = tmp_path / "proof"
    for module_ in ("sitecustomize", "usercustomize", "json"):
        (tmp_path / (module_ + ".py")).write_text("open(%r, 'w')\n" % str(proof))
    monkeypatch.setenv(name, str(tmp_path))
    assert named(path)[:2] == (["main"], []) and not proof.exists()
    if name == "PYTHONPATH":  # the twin: a gdb that is started plainly does run it
        subprocess.run(["gdb", "-nx", "-batch", "-ex", "python 1"], capture_output=True)
        assert proof.exists()


def test_breakpoints_do_not_begin_to_wait_for_it(tmp_path):
    path = program(tmp_path, "link")
    words = ["run", "--quiet", "--engine", "breakpoints", "-o", str(tmp_path / "t"), "--force"]
    assert brkpoint(*words, path).returncode == 0
    fifo(str(tmp_path / "x.dbg"))
    refused = brkpoint(*words, path)
    assert refused.returncode == 125 and "x.dbg, which is no ordinary file" in refused.stderr
