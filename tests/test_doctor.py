"""brkpoint doctor: every check once where the thing is there, and once where it is not."""

import argparse
import collections
import ctypes
import errno
import json
import os
import subprocess
import sys

import pytest

from command import checks, debug_files, doctor, ptrace_probe

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
Usage = collections.namedtuple("Usage", "total used free")


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def fake(folder, name, script):
    file = folder / name
    file.write_text("#!/bin/sh\n%s\n" % script)
    file.chmod(0o755)


def only(findings):
    (finding,) = findings
    return finding


# ---- gdb -----------------------------------------------------------------------------------------


def test_the_real_gdb_is_found():
    finding = only(checks.gdb())
    assert finding.state == "ok", finding.says
    assert "with Python 3." in finding.says


@pytest.fixture
def no_recorder(monkeypatch):
    monkeypatch.setattr(checks.recorder, "find", lambda: None)


def test_no_gdb_where_the_recorder_watches(path, monkeypatch):
    monkeypatch.setattr(checks.recorder, "find", lambda: "/somewhere")
    monkeypatch.setattr(checks.recorder, "is_running_here", lambda: True)
    finding = only(checks.gdb())
    assert finding.state == "missing" and not finding.fatal
    assert "the recorder watches" in finding.without


def test_no_gdb(path, no_recorder):
    finding = only(checks.gdb())
    assert finding.fatal and finding.says == "not found"
    assert "reports of stored traces work" in finding.without


@pytest.mark.parametrize(
    "script, says",
    [
        (
            "echo 'Python scripting is not supported in this copy of GDB.' >&2; exit 1",
            "without Python",
        ),
        ("echo asked 11.2 3.8 True", "older than 3.9"),
        ("echo asked 8.2 3.9 False", "gdb 10 does"),
        ("kill -SEGV $$", "without Python"),
    ],
)
def test_a_gdb_that_will_not_do(path, no_recorder, script, says):
    fake(path, "gdb", script)
    finding = only(checks.gdb())
    assert finding.fatal
    assert says in finding.says
    is_old = says != "without Python"  # apt has no other gdb for this system
    assert ("newer release" in finding.mend) == is_old != finding.mend.startswith("install")


def test_a_gdb_that_will_do(path):
    fake(path, "gdb", "echo noise; echo asked 16.3 3.13 True")
    assert only(checks.gdb()).says == "16.3 with Python 3.13 inside"


def test_the_command_that_mends_it(path, monkeypatch):
    assert checks.apt("gdb") == "install what Debian calls gdb"
    fake(path, "apt-get", "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert checks.apt("gdb") == "apt-get install gdb"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert checks.apt("gdb") == "sudo apt-get install gdb"


@pytest.fixture
def apt_knows_nasm(path, tmp_path, monkeypatch):
    """And what its lists tell; /bin/sh has no other command."""
    fake(path, "apt-get", "")
    fake(path, "apt-cache", 'for word; do case $word in nasm|libc6) echo "$word:";; esac; done')
    (tmp_path / "mirror_Packages.lz4").write_text("")
    monkeypatch.setattr(checks, "LISTS", str(tmp_path / "*_Packages*"))
    rows = "[article]\nnasm : false : assembly\nlibzydis-dev : false : machine code\n"
    (tmp_path / "list").write_text(rows)
    return str(tmp_path / "list")


def test_what_this_release_does_not_have_is_not_advised(apt_knows_nasm):
    nasm, zydis = checks.tools(apt_knows_nasm)
    assert nasm.mend.endswith("apt-get install nasm") and zydis.mend == checks.NOT_HERE
    lines = doctor.as_text([nasm, zydis], True, doctor.ink.Ink(width=200))
    mends = [line.strip() for line in lines if "to fix it" in line]
    assert mends[0] == "to fix it: " + checks.NOT_HERE and mends[1].endswith("install nasm")


def test_twin_an_apt_that_has_no_lists_does_not_know(apt_knows_nasm, monkeypatch):
    monkeypatch.setattr(checks, "LISTS", apt_knows_nasm + "/none")
    assert all("apt-get install" in finding.mend for finding in checks.tools(apt_knows_nasm))


def test_a_recorder_that_cannot_be_built_where_gdb_watches_nothing(
    apt_knows_nasm, no_recorder, monkeypatch
):
    tools = checks.tools
    monkeypatch.setattr(checks, "tools", lambda only: tools(apt_knows_nasm, only))
    finding = only(checks.planted())
    assert "does not watch" in finding.without and "libzydis-dev" in finding.mend


# ---- ptrace --------------------------------------------------------------------------------------


def test_tracing_is_tried_and_works_here():
    assert ptrace_probe.try_tracing() == 0


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def forbid_ptrace(number=101):
    """A seccomp filter on this process: ptrace (101) fails with EPERM. linux/filter.h, seccomp.h"""
    rows = ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000))
    code = b"".join(
        a.to_bytes(2, "little") + bytes((b, c)) + d.to_bytes(4, "little") for a, b, c, d in rows
    )
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Filter(len(rows), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, ctypes.byref(program), 0, 0):  # PR_SET_SECCOMP
        raise OSError(ctypes.get_errno(), "seccomp")


def test_a_seccomp_filter_is_found_out_for_real():
    """In a process of its own, because a filter cannot be taken back."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "import test_doctor; test_doctor.forbid_ptrace()\n"
        "from command import checks; f = checks.tracing()[0]\n"
        "print(f.fatal, '|', f.says, '|', f.mend)"
    )
    command = [sys.executable, "-c", script, TOP, os.path.join(TOP, "tests")]
    answer = subprocess.run(command, stdout=subprocess.PIPE, universal_newlines=True).stdout
    assert answer.startswith("True | a seccomp filter forbids it")
    assert "--cap-add=SYS_PTRACE" in answer


@pytest.mark.parametrize(
    "scope, status, says, mend",
    [
        ("2\n", "TracerPid:\t0\nSeccomp:\t0\n", "yama", "sysctl kernel.yama.ptrace_scope=1"),
        ("3\n", "TracerPid:\t0\nSeccomp:\t2\n", "yama", "reboot"),
        ("1\n", "TracerPid:\t0\nSeccomp:\t2\n", "seccomp", "docker"),
        (None, "TracerPid:\t71\nSeccomp:\t0\n", "traced itself (by process 71)", "outside"),
        (None, "TracerPid:\t0\nSeccomp:\t0\n", "the kernel refuses it: Op", "docker"),
    ],
)
def test_why_tracing_is_forbidden(tmp_path, scope, status, says, mend):
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text(status)
    if scope:
        (tmp_path / "sys/kernel/yama").mkdir(parents=True)
        (tmp_path / "sys/kernel/yama/ptrace_scope").write_text(scope)
    why, what = ptrace_probe.why_not(errno.EPERM, str(tmp_path))
    assert says in why
    assert mend in what


# ---- symbols, environment, disk, tools ---------------------------------------------------------


def test_the_recorder(monkeypatch):
    monkeypatch.setattr(checks.recorder, "find", lambda: "/somewhere")
    finding = only(checks.planted())
    assert finding.state == "note" and "does not run here" in finding.says
    assert finding.mend == "rm -r build/recorder && make recorder" and not finding.fatal
    monkeypatch.setattr(checks.recorder, "is_running_here", lambda: True)
    assert only(checks.planted()).state == "ok"
    monkeypatch.setattr(checks.recorder, "find", lambda: None)
    finding = only(checks.planted())
    assert finding.state == "note" and finding.mend == "make recorder" and not finding.fatal


def test_the_libc_in_use_is_found_by_its_mapping():
    names = [os.path.basename(path) for path in debug_files.libc_files()]
    assert any(name.startswith("libc") for name in names), names


def test_symbols_are_looked_up_by_build_id(tmp_path):
    finding = only(checks.symbols((str(tmp_path),)))
    assert finding.state == "missing" and not finding.fatal
    assert "build id" in finding.says and "libc6-dbg" in finding.mend


def test_a_file_with_its_own_symbols_lacks_nothing(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("int main(void) { return 0; }\n")
    for flags, lacks in (["-g"], 0), (["-s"], 1):
        product = str(tmp_path / "a.out")
        subprocess.run(["gcc", *flags, "-o", product, str(source)], check=True)
        assert len(debug_files.lacking([product], (str(tmp_path),))) == lacks


def test_a_preloaded_library_is_noted():
    assert only(checks.environment({"PATH": "/bin"})).state == "ok"
    assert only(checks.environment({"LD_PRELOAD": ""})).state == "ok"
    finding = only(checks.environment({"LD_PRELOAD": "libjemalloc.so"}))
    assert finding.state == "note"
    assert finding.mend == "unset LD_PRELOAD"


def test_a_full_disk_is_noted(tmp_path):
    folder = str(tmp_path)
    assert only(checks.disk(folder, lambda _: Usage(0, 0, 1 << 40))).state == "ok"
    assert only(checks.disk(folder, lambda _: Usage(0, 0, 1 << 20))).state == "note"


def test_tools_are_asked_by_the_list_itself(tmp_path, path):
    packages = tmp_path / "list"
    packages.write_text("# no : row : here\n[a]\nhere : true : one\ngone : no-such-tool : two\n")
    here, gone = checks.tools(str(packages))
    assert (here.name, here.state, here.group) == ("here", "ok", "a")
    assert (gone.name, gone.state, gone.says, gone.needed) == ("gone", "missing", "two", False)


def test_with_an_empty_path_every_tool_is_missing(path):
    states = {finding.name: finding.state for finding in checks.tools()}
    commands = "rustc nasm musl-tools strace ltrace valgrind gcc g++ make file".split()
    assert {states[name] for name in commands} == {"missing"}


# ---- the command ---------------------------------------------------------------------------------


def invoke(capsys, *args):
    parser = argparse.ArgumentParser()
    doctor.configure(parser)
    status = doctor.invoke(parser.parse_args(args))
    return status, capsys.readouterr().out


def test_here_the_main_job_works(capsys):
    status, text = invoke(capsys)
    assert status == 0
    assert "Programs can be observed here" in text.splitlines()[-1]


def test_without_gdb_it_says_so_and_fails(no_recorder, path, capsys):
    status, text = invoke(capsys)
    assert status == 1
    assert text.splitlines()[-1] == "No program can be observed here: gdb (not found)."
    assert "to fix it: install what Debian calls gdb" in text


def test_json(path, no_recorder, capsys):
    status, text = invoke(capsys, "--json")
    data = json.loads(text)
    assert status == 1 and data["works"] is False
    keys = {"name", "state", "says", "needed", "without", "mend", "group"}
    assert all(set(finding) == keys for finding in data["findings"])
    assert {finding["state"] for finding in data["findings"]} <= {"ok", "missing", "note"}


def test_escapes_from_the_environment_are_shown_not_sent(monkeypatch, capsys):
    monkeypatch.setattr(checks, "ALL", (checks.environment,))
    monkeypatch.setenv("MALLOC_ARENA_MAX", "\x1b[2J")
    text = "".join(doctor.as_text(checks.environment(), True, doctor.ink.Ink()))
    assert "\x1b" not in text and "\\x1b[2J" in text


def test_a_line_of_the_terminal_is_aligned():
    findings = [checks.Finding("a", "ok", "one"), checks.Finding("longer", "missing", "two")]
    lines = doctor.as_text(findings, True, doctor.ink.Ink())
    assert lines[0].index("one") == lines[1].index("two")


def test_what_is_there_takes_one_line_a_group():
    findings = [
        checks.Finding("gdb", "ok", "13.1"),
        checks.Finding("gcc", "ok", "C", group="article"),
        checks.Finding("nasm", "missing", "assembly", False, "", "apt-get install nasm", "article"),
        checks.Finding("make", "ok", "building", group="article"),
    ]
    lines = [" ".join(line.split()) for line in doctor.as_text(findings, True, doctor.ink.Ink())]
    assert lines[1:3] == ["ok article gcc, make", "missing nasm assembly"]
    assert lines[3].startswith("to fix it:") and lines[3].endswith(" nasm")
    assert lines[-1].startswith("Programs can be observed here. Missing for the rest: 1.")


def test_no_line_is_wider_than_the_terminal():
    findings = [checks.Finding("libc6-dbg", "missing", "word " * 60, False, "w " * 90, "m " * 90)]
    lines = doctor.as_text(findings, True, doctor.ink.Ink(width=80))
    assert max(map(len, lines)) <= 80 and len(lines) > 10
