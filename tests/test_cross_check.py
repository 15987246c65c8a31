"""The cross-check passes on the targets, and fails where a witness disagrees."""

import copy
import json
import os
import shutil
import subprocess
import sys

import pytest

import launching
import target_programs
from fake_tools import fake
from target_programs import ROOT

sys.path.append(os.path.join(ROOT, "trace-scripts"))
from brkpoint_trace import crosscheck, gather, silence, tool  # noqa: E402
from reports import witnesses as page  # noqa: E402

TOOLS = ("strace", "ltrace", "gdb")
PROGRAMS = {program.name: program.command for program in target_programs.programs()}

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="strace, ltrace or gdb is missing"
)


@pytest.fixture(scope="module")
def seen(built):
    """What the witnesses see of `family`, taken once."""
    return gather.gather([os.path.join(ROOT, *PROGRAMS["family"])], 300)


def words(name):
    return [os.path.join(ROOT, word) if "/" in word else word for word in PROGRAMS[name]]


def unexplained(record):
    return [row for row in record["differences"] if not row["explained"]]


# ---- it passes ----------------------------------------------------------------------------------


def test_what_explains_the_differences(built):
    codes = {}
    for name in ("family", "static_object"):
        if name in PROGRAMS:
            rows = crosscheck.of(words(name), 300)["differences"]
            codes[name] = {row["code"]: row["count"] for row in rows}
    assert codes["family"]["loader"] > 10 and codes["family"]["twice"] > 10
    assert set(codes["family"]) == {"loader", "twice"}
    if "static_object" in codes:  # libstdc++'s pool, allocated by an initialiser
        assert codes["static_object"]["early"] == 1


# ---- it fails -----------------------------------------------------------------------------------

CHANGES = {
    "removed": lambda events, i: events.pop(i),
    "doubled": lambda events, i: events.insert(i, copy.copy(events[i])),
    "another size": lambda events, i: setattr(events[i], "size", events[i].size + 1),
    "another name": lambda events, i: setattr(events[i], "name", "madvise"),
}


def spoiled(seen, witness, change, kind, name):
    """What crosscheck makes of `seen` with one event of a witness changed."""
    data = {key: dict(value) for key, value in seen["data"].items()}
    events = copy.deepcopy(data[witness]["events"])
    places = [
        i for i, e in enumerate(events) if e.kind == kind and e.name == name and not e.private
    ]
    CHANGES[change](events, places[-1])
    data[witness]["events"] = events
    return crosscheck.judge(dict(seen, data=data))


def test_unchanged_it_passes(seen):
    assert crosscheck.judge(seen)["unexplained"] == 0


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("witness", ["gdb", "strace", "ltrace"])
@pytest.mark.parametrize("name", ["mmap", "malloc"])
def test_twin_one_event_changed(seen, witness, change, name):
    kind = "syscall" if name == "mmap" else "call"
    if (witness, name) in (("strace", "malloc"), ("ltrace", "mmap")):
        return  # they see no such events
    record = spoiled(seen, witness, change, kind, name)
    assert record["unexplained"] > 0 and not page.is_sound(record)
    assert "NOT EXPLAINED" in " ".join(row[3] for row in page.difference_rows(record))


@pytest.mark.parametrize("change", ["removed", "doubled", "another size"])
def test_twin_a_loaders_event_changed(seen, change):
    """The loader's own calls have strace's mmap beneath them only: gdb alone sees them."""
    record = spoiled(seen, "gdb", change, "syscall", "brk")
    if change == "another size":
        record = spoiled(seen, "gdb", change, "syscall", "munmap")
    assert record["unexplained"] > 0


def test_twin_a_mapping_that_no_syscall_made(seen):
    if not seen["fixed_addresses"]:
        pytest.skip("addresses are random here")
    data = {key: dict(value) for key, value in seen["data"].items()}
    end = data["maps"]["end"]
    extra = end[0]._replace(start=0x10000, end=0x11000, path=b"")
    data["maps"]["end"] = [extra] + end
    assert crosscheck.judge(dict(seen, data=data))["unexplained"] == 1
    shared = extra._replace(path=b"/SYSV00000000")
    data["maps"]["end"] = [shared] + end
    record = crosscheck.judge(dict(seen, data=data))
    assert record["unexplained"] == 0
    assert [r["code"] for r in record["differences"] if r["witness"] == "maps"] == ["shared memory"]


def test_a_program_that_does_not_repeat_itself(seen):
    """A difference is excused only by a second run of the same witness that differs too."""
    data = {key: dict(value) for key, value in seen["data"].items()}
    whole = data["ltrace"]["events"]
    data["ltrace"]["events"] = whole[:-1]
    changed = dict(seen, data=data)
    assert crosscheck.judge(changed)["unexplained"] == 1
    assert crosscheck.judge(changed, lambda name: whole[:-1])["unexplained"] == 1
    assert crosscheck.judge(changed, lambda name: whole)["unexplained"] == 0


# ---- a witness that cannot be believed ----------------------------------------------------------


@pytest.mark.parametrize(
    "script, why, said",
    [
        ("echo no luck >&2; exit 1", "saw no end", "no luck"),
        ("echo dying >&2; kill -SEGV $$", "ended by SIGSEGV", "dying"),
        ("echo waiting >&2; sleep 100", "still ran after", "waiting"),
        ("yes nonsense | head -c 100000 > /dev/stderr", "saw no end", "nonsense"),
    ],
)
def test_a_tool_that_fails_spoils_nothing(built, tmp_path, monkeypatch, script, why, said):
    fake(tmp_path, monkeypatch, "ltrace", script)
    record = crosscheck.of(words("alloc"), 300)
    run = record["runs"]["ltrace"]
    assert run["state"] == "unreliable" and why in run["why"] and said in run["said"]
    assert len(run["said"]) <= gather.SAID
    assert record["compared"] == ["gdb", "strace", "maps"] and page.is_sound(record)
    assert said in page.to_text(record) and "unreliable" in page.to_markdown(record)


def test_a_tool_that_kills_its_target(built, tmp_path, monkeypatch):
    real = shutil.which("ltrace")
    script = 'shift 4; exec %s -f -o "$1" /bin/sh -c "kill -9 \\$\\$"\n' % real
    fake(tmp_path, monkeypatch, "ltrace", script)
    record = crosscheck.of(words("alloc"), 300)
    assert record["runs"]["ltrace"]["state"] == "unreliable"
    assert "ended otherwise" in record["runs"]["ltrace"]["why"]
    assert page.is_sound(record)


@pytest.mark.parametrize("missing", ["ltrace", "strace"])
def test_a_tool_that_is_not_installed(built, monkeypatch, missing):
    find = shutil.which
    monkeypatch.setattr(shutil, "which", lambda n, **o: None if n == missing else find(n, **o))
    record = crosscheck.of(words("alloc"), 300)
    assert record["runs"][missing]["state"] == "missing"
    assert "apt-get install " + missing in page.to_text(record)
    assert missing not in record["compared"] and page.is_sound(record)


def test_twin_with_gdb_alone_nothing_is_proven(built):
    record = crosscheck.of(words("alloc"), 60, left_out=("strace", "ltrace", "maps"))
    assert not page.is_sound(record) and "Nothing could be compared" in page.to_text(record)
    record = crosscheck.of(words("alloc"), 60, left_out=("gdb",))
    assert not page.is_sound(record) and record["rows"]


def test_twin_only_a_loader_that_is_the_program_keeps_ltrace_in_the_dark(built):
    loader = "/lib64/ld-linux-x86-64.so.2"
    if os.path.exists(loader):
        assert not silence.hears_of_libraries(loader)
    for name in ("alloc", "alloc.no-pie", "alloc.static", "empty"):
        if name in PROGRAMS:
            assert silence.hears_of_libraries(words(name)[0])
    assert silence.hears_of_libraries(__file__)


def test_whatever_a_tool_started_is_ended():
    seconds = "9731.%d" % os.getpid()
    done = tool.run(["/bin/sh", "-c", "sleep %s & sleep %s" % (seconds, seconds)], 1)
    assert done.timed_out and done.status is None
    numbers = filter(str.isdigit, os.listdir("/proc"))
    assert launching.gone([int(pid) for pid in numbers if _says(pid, seconds.encode())])


def _says(pid, text):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as file:
            return text in file.read()
    except OSError:
        return False


# ---- the commands -------------------------------------------------------------------------------


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_script_and_the_verb(built):
    done = run("trace-scripts/cross-check", "--json", *PROGRAMS["alloc"])
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["unexplained"] == 0 and record["command"] == PROGRAMS["alloc"]
    done = run("./brkpoint", "witnesses", "--json", "--", *PROGRAMS["alloc"])
    assert done.returncode == 0 and json.loads(done.stdout)["rows"] == record["rows"]
    done = run("./brkpoint", "witnesses", "--without", "maps", *PROGRAMS["alloc"])
    assert "left out" in done.stdout and max(map(len, done.stdout.splitlines())) <= 80
    for mark in ("malloc 1 ", "brk +135168", "mmap 8192", "loader"):
        assert mark in done.stdout


def test_twin_the_status_of_a_failed_check(built):
    done = run("./brkpoint", "witnesses", "--without", "gdb", *PROGRAMS["alloc"])
    assert done.returncode == 1 and "Nothing could be compared" in done.stdout
    assert run("./brkpoint", "witnesses", "/nonexistent").returncode == 127
    assert run("./brkpoint", "witnesses", "/").returncode == 126
    assert run("./brkpoint", "witnesses").returncode == 2
