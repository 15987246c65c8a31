"""What can be wrong with a program or a place: one clear line, the right status, nothing left."""

import os
import re
import shutil
import struct
import subprocess

import pytest

import launching
from bad_input import brkpoint, file, refused
from start import program, recorder

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)
TRUE = shutil.which("true")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return launching.build(tmp_path_factory.mktemp("wait"), "wait", "-O1", "-pthread")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def header(elf_class=2, machine=62, kind=3, phnum=1, phoff=64, size=56):
    """The first 64 bytes of an ELF file."""
    ident = b"\x7fELF" + bytes([elf_class, 1, 1]) + bytes(9)
    rest = struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, phoff, 0, 0, 64, size, phnum, 0, 0, 0)
    return ident + rest


def segment(type_, offset, size):
    return struct.pack("<IIQQQQQQ", type_, 5, offset, offset, 0, size, size, 4096)


# ---- programs that cannot be run ----------------------------------------------------------------

HOSTILE = {
    "cut off in the header": b"\x7fELF\x02\x01\x01",
    "half a header": header()[:40],
    "no program headers there": header(),
    "program headers beyond the end": header(phoff=1 << 40),
    "65535 program headers": header(phnum=65535),
    "program headers of 1 byte": header(size=1) + bytes(100),
    "loads nothing": header() + segment(6, 0, 64),
    "loads what is not there": header() + segment(1, 0, 1 << 40),
    "an object file": header(kind=1) + segment(1, 0, 64),
    "a core file": header(kind=4) + segment(1, 0, 64),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_elf(here, what):
    file("bad", HOSTILE[what])
    as_alone("bad")


def as_alone(name):
    """What Linux refuses is refused, with nothing left behind; what it runs ends as alone."""
    done = brkpoint("--quiet", "./" + name)
    try:
        alone = subprocess.run(["./" + name], capture_output=True).returncode
    except OSError:
        assert refused(done, 126, "./%s: " % name)
        assert b"b'./" not in done.err  # its name is text, as it was typed
        assert os.listdir() == [name]
    else:
        assert done.status == (128 - alone if alone < 0 else alone), done.err


@pytest.mark.parametrize("size", [100, 1000, 20000])
def test_truncated_elf(here, size):
    with open(TRUE, "rb") as whole:
        file("cut", whole.read(size))
    as_alone("cut")


def test_the_same_elf_uncut_runs(here):
    shutil.copy(TRUE, "whole")
    assert brkpoint("--quiet", "./whole").status == 0


@pytest.mark.parametrize(
    "content, says",
    [
        (header(elf_class=1, machine=3), "32-bit i386"),
        (header(machine=183), "AArch64"),
        (header(machine=4711), "machine 4711"),
    ],
)
def test_other_machines(here, content, says):
    file("other", content + bytes(1000))
    assert refused(brkpoint("./other"), 126, says)
    assert os.listdir() == ["other"]


def test_a_machine_that_the_kernel_takes(here):
    file("other", header(elf_class=1) + bytes(1000))
    as_alone("other")


def test_not_found(here):
    assert refused(brkpoint("no-such-program"), 127, "command not found")
    assert refused(brkpoint("./no-such-program"), 127, "No such file")
    assert refused(brkpoint(TRUE + "/x"), 127, "Not a directory")
    assert refused(brkpoint("run", ""), 127, "command not found")
    assert os.listdir() == []


def test_found_here_but_not_in_path(here):
    shutil.copy(TRUE, "only-here")
    assert refused(brkpoint("only-here"), 127, r"did you mean \./only-here")


def test_a_misspelt_command(here):
    assert refused(brkpoint("reprot"), 127, "did you mean `brkpoint report`")


def test_not_executable(here):
    shutil.copy(TRUE, "plain")
    os.chmod("plain", 0o644)
    assert refused(brkpoint("./plain"), 126, "Permission denied .chmod")
    os.chmod("plain", 0o755)
    assert brkpoint("--quiet", "./plain").status == 0


def test_directories_and_devices(here):
    os.mkdir("folder")
    os.mkfifo("fifo", 0o755)
    assert refused(brkpoint("./folder"), 126, "is a directory")
    assert refused(brkpoint("./fifo"), 126, "not a regular file")
    assert refused(brkpoint("/dev/null"), 126, "not a regular file")


def test_no_program_at_all(here):
    file("noise", b"\x00\x01\x02\x03" * 100)
    assert refused(brkpoint("./noise"), 126, "not a program")


def test_scripts_run_their_interpreter(here):
    file("script", b"#!/bin/sh\nexit $#\n")
    file("bare", b"exit $(($# + 40))\n")
    assert brkpoint("--quiet", "./script", "a b", "c").status == 2
    assert brkpoint("--quiet", "./bare", "a b", "c").status == 42


def test_a_missing_interpreter(here):
    file("script", b"#!/no/such/interpreter\n")
    assert refused(brkpoint("./script"), 127, "interpreter")
    loads = segment(1, 0, 64) + segment(3, 176, 9)
    file("elf", header(phnum=2) + loads + b"/no/such\0")
    assert refused(brkpoint("./elf"), 127, "loader /no/such is not installed")
    assert sorted(os.listdir()) == ["elf", "script"]


def test_the_kernel_has_the_last_word(here, monkeypatch):
    """What passes every check here and is refused by execve: an interpreter that may not be run."""
    file("noise", b"\0" * 100, 0o644)
    file("script", b"#!" + os.fsencode(str(here)) + b"/noise\n")
    done = brkpoint("./script")
    assert refused(done, 126, "Permission denied")
    assert sorted(os.listdir()) == ["noise", "script"]


def test_an_interpreter_that_is_no_program(here):
    """The kernel refuses the script too (ENOEXEC), and shells and execvp(3) give it to /bin/sh."""
    file("noise", b"\0" * 100)
    file("script", b"#!" + os.fsencode(str(here)) + b"/noise\nexit 7\n")
    assert subprocess.run(["sh", "-c", "./script"]).returncode == 7
    assert brkpoint("--quiet", "./script").status == 7


# ---- programs of which not all can be seen -----------------------------------------------------


def test_privileges_are_said_to_be_lost(here, monkeypatch):
    shutil.copy(TRUE, "tool")
    os.chmod("tool", 0o4755)
    monkeypatch.setattr(os, "geteuid", lambda: os.stat("tool").st_uid + 1)
    (note,) = program.find([b"./tool"], []).notes
    assert "without its privileges" in note
    os.chmod("tool", 0o755)
    assert program.find([b"./tool"], []).notes == []


def test_a_file_that_may_not_be_read(here, monkeypatch):
    shutil.copy(TRUE, "tool")
    real = open

    def unreadable(path, *rest):
        if path == b"./tool":
            raise PermissionError(13, "Permission denied")
        return real(path, *rest)

    monkeypatch.setattr("builtins.open", unreadable)
    (note,) = program.find([b"./tool"], []).notes  # Linux runs it, and so do we
    assert "executed but not read" in note


def test_a_program_that_uses_ptrace(here):
    with open("t.c", "w") as source:
        source.write("#include <sys/ptrace.h>\nint main(){return ptrace(PTRACE_TRACEME,0,0,0)!=0;}")
    subprocess.run(["gcc", "-o", "traceme", "t.c"], check=True)
    assert launching.run([b"./traceme"]).status == 0
    done = brkpoint("--quiet", "--engine", "breakpoints", "./traceme")
    assert done.status == 1  # the truth: a second tracer is refused
    assert b"can call ptrace: breakpoints keep it" in done.err
    if recorder.find():  # it has let go by then, and no breakpoints keep it from anything
        done = brkpoint("--force", "--engine", "recorder", "./traceme")
        assert done.status == 0 and b"breakpoints" not in done.err


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_a_target_that_is_traced_already(here, quick):
    words = [b"/usr/bin/strace", b"-f", b"-o", b"/dev/null", launching.BRKPOINT, quick, b"quick"]
    done = launching.run(words)
    assert refused(done, 125, "traced by strace")
    assert os.listdir() == []


# ---- names ---------------------------------------------------------------------------------------

NAMES = [
    b"with space", b"'quote'", b'"', b"new\nline", b"\nshell touch touched\n", b"$(touch touched)",
    b"`touch touched`", b"\x1b[31mred", b"\xff\xfe", b"-dash", b"--force", b"caf\xc3\xa9",
    b"\xe2\x80\xaeevil", b"%s%n", b"a;touch touched", b"\\", b"c\rr", b"o\\101\\012",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(here, quick, name):
    """As the program's name, in an argument, and in the trace's name."""
    shutil.copy(quick, name)
    done = brkpoint("-o", b"./" + name + b".brkpoint", "--", b"./" + name, b"quick", name)
    assert done.status == 5 and done.out == b"ready\n"
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae", done.err), done.err
    assert sorted(map(os.fsencode, os.listdir())) == sorted([name, name + b".brkpoint"])


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_that_are_not_there(here, name):
    assert refused(brkpoint("--", b"./" + name), 127, "No such file")


def test_the_default_name_of_a_trace_is_tame(here, quick):
    shutil.copy(quick, b"-a\nb\x1b\xff")
    assert brkpoint("--quiet", b"./-a\nb\x1b\xff", "quick").status == 5
    (made,) = [name for name in os.listdir() if name.endswith(".brkpoint")]
    assert re.fullmatch(r"_a_b__\.\d+\.brkpoint", made)


# ---- code that comes with a program -------------------------------------------------------------


def test_scripts_for_gdb_are_never_run(here):
    mark = here / "ran"
    source = os.path.join(launching.PROBES, "scripted.c")
    subprocess.run(["gcc", "-g", '-DMARK="%s"' % mark, "-o", "scripted", source], check=True)
    (here / "scripted-gdb.py").write_text("open(%r, 'w')" % str(mark))
    (here / ".gdbinit").write_text("python open(%r, 'w')\n" % str(mark))
    assert brkpoint("--quiet", "./scripted").status == 4
    assert not mark.exists()
    subprocess.run(
        ["gdb", "-nx", "-batch", "-iex", "set auto-load safe-path /", "-ex", "file scripted"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert mark.exists()  # a gdb that trusts the program runs it
