"""What `brkpoint doctor` looks at: each check is a function that returns findings, and prints none.

A finding is plain. `needed` means that `brkpoint PROGRAM` cannot work without it.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys

from alloctrace import cache_folder, kept
from alloctrace.plain import plain

from start import cache, gdb_program, recorder
from . import debug_files, ptrace_probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from subprocess import CompletedProcess
    from typing import Any

_TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OLDEST_PYTHON = (3, 9)
_LOW_DISK = 100 << 20  # bytes: the trace of some ten million events
_SECONDS = 30
# apt would install what is there already.
NOT_HERE = "none by apt: this release of the system has no such package"
LISTS = "/var/lib/apt/lists/*_Packages*"
_NEWER_SYSTEM = "none by apt: a newer release of the system has it (Debian 12, Ubuntu 22.04)"
_CHANGES_NUMBERS = (
    "LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH LD_BIND_NOW GLIBC_TUNABLES MALLOC_ARENA_MAX "
    "MALLOC_MMAP_THRESHOLD_ MALLOC_PERTURB_ MALLOC_TOP_PAD_ MALLOC_TRIM_THRESHOLD_"
).split()
_ASK_GDB = (
    "python import sys; print('asked', gdb.VERSION, '%d.%d' % sys.version_info[:2],"
    " hasattr(gdb, 'convenience_variable'))"
)


@plain
class Finding:
    name: str
    state: str  # ok | missing | note
    says: str
    needed: bool = False
    without: str = ""  # what still works, or what does not
    mend: str = ""  # the command
    group: str = "run"  # the section of setup.packages

    @property
    def fatal(self) -> bool:
        return self.needed and self.state == "missing"


def platform() -> list[Finding]:
    machine = os.uname()
    says = "%s %s, %s" % (machine.sysname, machine.release, machine.machine)
    if (machine.sysname, machine.machine) == ("Linux", "x86_64"):
        return [Finding("system", "ok", says, True)]
    return [Finding("system", "missing", says + ": only Linux on x86-64 is supported", True)]


def python() -> list[Finding]:
    says = "%d.%d" % sys.version_info[:2]
    if sys.version_info < _OLDEST_PYTHON:
        says += " is older than 3.9"
        return [Finding("python3", "missing", says, True, "", _NEWER_SYSTEM)]
    try:
        import sqlite3
    except ImportError:
        return [Finding("python3", "missing", "no module sqlite3", True, "", apt("python3"))]
    return [Finding("python3", "ok", "%s with SQLite %s" % (says, sqlite3.sqlite_version), True)]


def gdb() -> list[Finding]:
    """gdb, and what its own Python says: it need not be the one that runs this."""
    without, needed = "reports of stored traces work; no program can be observed", True
    if recorder.find() and recorder.is_running_here():
        without = "the recorder watches; no lines, no inlined functions, no breakpoints"
        needed = False
    missing = Finding("gdb", "missing", "not found", needed, without, apt("gdb"))
    if not shutil.which("gdb"):
        return [missing]
    command = [shutil.which("gdb") or "gdb", *gdb_program.WORDS, "-ex", _ASK_GDB]
    said = _output(command, env=gdb_program.ENVIRONMENT)
    answer = re.search(r"^asked (\S+) (\d+)\.(\d+) (\w+)$", said, re.M)
    if not answer:
        missing.says = "found, but without Python inside"
    elif (int(answer[2]), int(answer[3])) < _OLDEST_PYTHON:
        missing.says = "its Python %s.%s is older than 3.9" % (answer[2], answer[3])
        missing.mend = _NEWER_SYSTEM
    elif answer[4] != "True":
        missing.says = "%s tells Python no number of a catchpoint; gdb 10 does" % answer[1]
        missing.mend = _NEWER_SYSTEM
    else:
        says = "%s with Python %s.%s inside" % (answer[1], answer[2], answer[3])
        return [Finding("gdb", "ok", says, True)]
    return [missing]


def tracing() -> list[Finding]:
    code = ptrace_probe.try_tracing()
    if code == 0:
        return [Finding("ptrace", "ok", "a harmless child could be traced", True)]
    says, mend = ptrace_probe.why_not(code)
    without = "reports of stored traces work; no program can be observed"
    return [Finding("ptrace", "missing", says, True, without, mend)]


def planted() -> list[Finding]:
    """Whether the recorder is there: breakpoints see the same without it, far more slowly."""
    is_there = recorder.find() is not None
    if is_there and recorder.is_running_here():
        return [Finding("recorder", "ok", "built: programs run at nearly their own speed")]
    without, mend = "no program can be observed: gdb does not watch here either", "make recorder"
    says = "built elsewhere: it does not run here" if is_there else "not built"
    if gdb()[0].state == "ok":
        without = "gdb's breakpoints watch instead: the same events, but each stops the program"
    if any(tool.mend == NOT_HERE for tool in tools(only=("libzydis-dev",))):
        mend = "none by apt: it needs libzydis-dev, which this release of the system does not have"
    if is_there:
        mend = "rm -r build/recorder && " + mend
    return [Finding("recorder", "note", says, False, without, mend)]


def symbols(roots: Sequence[str] = ("/usr/lib/debug",)) -> list[Finding]:
    files = debug_files.libc_files()
    lacking = debug_files.lacking(files, roots)
    if not lacking:
        names = " and ".join(map(os.path.basename, files))
        names = names or "a libc that is part of the program"
        return [Finding("libc6-dbg", "ok", "symbols for " + names)]
    says = "no symbols for " + ", ".join(
        "%s (build id %s…)" % (os.path.basename(path), build_id[:8]) for path, build_id in lacking
    )
    without = "every call is seen; functions inside libc and the loader stay nameless"
    return [Finding("libc6-dbg", "missing", says, False, without, apt("libc6-dbg"))]


_WITHOUT = {
    "article": "`make article` leaves out the programs and rows that need it; all, without make",
    "test": "only the tests need it",
    "bench": "only `make bench-recorder` and `make bench-evaluator` need it, to compare with",
}


def tools(
    path: str = os.path.join(_TOP, "setup.packages"), only: Sequence[str] = ()
) -> list[Finding]:
    """The rest of setup.packages, or `only` these, by its own checks, but for what has a function
    here."""
    own = ("python3", "gdb", "libc6-dbg")
    rows = [row for row in packages(path) if row[1] not in own and (not only or row[1] in only)]
    findings = [_tool(*row) for row in rows]
    missing = [finding for finding in findings if finding.state == "missing"]
    unknown = unknown_to_apt([finding.name for finding in missing])
    for finding in missing:
        if finding.name in unknown:
            finding.mend = NOT_HERE
    return findings


def unknown_to_apt(names: list[str]) -> set[str]:
    """Those of these that the system's release does not have; none where apt cannot know."""
    if not names or not glob.glob(LISTS):
        return set()
    said = _output(["apt-cache", "policy", *names, "libc6"])  # which each of them has
    known = re.findall(r"^(\S+):$", said, re.M)
    return set(names) - set(known) if known else set()


def packages(path: str) -> list[tuple[str, ...]]:
    """(section, package, check, what for) for each row of the list."""
    section, found = "", []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            parts = line.split(" : ")
            if line.startswith("["):
                section = line.strip("[]")
            elif line[:1] != "#" and len(parts) == 3:
                found.append((section, *parts))
    return found


def _tool(section: str, package: str, check: str, reason: str) -> Finding:
    if _succeeds(check):
        return Finding(package, "ok", reason, group=section)
    without = _WITHOUT.get(section, "")
    return Finding(package, "missing", reason, False, without, apt(package), section)


def environment(environ: Mapping[str, str] = os.environ) -> list[Finding]:
    found = [name for name in _CHANGES_NUMBERS if environ.get(name)]
    if not found:
        return [Finding("environment", "ok", "nothing in it changes allocations")]
    says = ", ".join("%s=%s" % (name, environ[name]) for name in found)
    without = "the program is observed as it is started, and this changes what it allocates"
    return [Finding("environment", "note", says, False, without, "unset " + " ".join(found))]


def disk(folder: str = ".", usage: Callable[[str], Any] = shutil.disk_usage) -> list[Finding]:
    free = usage(folder).free
    says = "%d MB free in %s" % (free >> 20, os.path.abspath(folder))
    if not os.access(folder, os.W_OK):
        return [Finding("disk", "note", "cannot write here", False, "", "brkpoint -o ELSEWHERE …")]
    if free < _LOW_DISK:
        return [Finding("disk", "note", says, False, "long traces may be cut off", "df -h .")]
    return [Finding("disk", "ok", says)]


def kept_tables(folder: str | None = None) -> list[Finding]:
    """What is kept between runs, and not believed: each run makes it anew, and says nothing."""
    folder = folder or cache.folder()
    if folder and not _may_keep(folder):
        return _cache_is_of_others(folder)
    found = kept.not_believed(folder) if folder else []
    if not found:
        return []
    says = "not believed: " + "; ".join("%s: %s" % row for row in found)
    return _cache_note(says, ["rm", "-f", *(path for path, _ in found)])


def _may_keep(folder: str) -> bool:
    """Also where there is none yet."""
    try:
        return cache_folder.is_ours(os.stat(folder))
    except OSError:
        return True


def _cache_is_of_others(folder: str) -> list[Finding]:
    """A run as root with the home of a user may have made it, or looks into the user's."""
    user = os.geteuid()
    if os.stat(folder).st_uid == user:
        return _cache_note("others may write to it: " + folder, ["chmod", "go-w", folder])
    says = "it is another user's: " + folder
    return _cache_note(says, ["sudo", "chown", "-R", str(user), folder]) if user else []


def _cache_note(says: str, mend: list[str]) -> list[Finding]:
    return [Finding("cache", "note", says, False, "each start takes longer", shlex.join(mend))]


ALL: tuple[Callable[[], list[Finding]], ...] = (
    platform,
    python,
    gdb,
    tracing,
    planted,
    symbols,
    environment,
    disk,
    kept_tables,
    tools,
)


def apt(package: str) -> str:
    """The command that installs `package` here."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    if shutil.which("apt-get"):
        return "%sapt-get install %s" % (sudo, package)
    return "install what Debian calls %s" % package


def _succeeds(command: str) -> bool:
    """`command` is a line of our own list, for the shell."""
    try:
        return _run(["/bin/sh", "-c", command]).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _output(command: list[str], **how: Any) -> str:
    try:
        return _run(command, **how).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _run(command: list[str], **how: Any) -> CompletedProcess[bytes]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_TOP,
        timeout=_SECONDS,
        **how,
    )
