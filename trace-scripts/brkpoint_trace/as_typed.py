"""The article's own commands, typed here: what strace, ltrace, file, ldd and objdump print.

Each gives plain values, fit for JSON: {"state": ok | missing | unreliable, "why", "command", …}.
One that cannot be believed says why and what it printed, and has no values: nothing else suffers.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections import Counter

from . import ltrace_log, strace_events, strace_log, tool

SAID = 200  # characters of what an unreliable tool printed
LINES = 60  # of a tool's output that are kept
INSTALL = {"objdump": "binutils", "ldd": "libc-bin"}  # packages that are not named like the tool
_SECTION = re.compile(r"Disassembly of section (\S+):")
_CODE = (".text", ".init", ".fini", ".plt")
_ASKS = re.compile(r"\b(syscall|sysenter|int +0x80)\s*$")


def strace(command, limit_s):
    """Adds `counts`, {name: count} of brk and mmap of the program's own process."""
    return _logged(command, limit_s, "strace", ("-f", "-e", "brk,mmap"), _read_strace)


def ltrace(command, limit_s, *flags):
    """Adds `lines` (what ltrace printed) and `calls`, [{name, args, library, result, outer}]."""
    return _logged(command, limit_s, "ltrace", flags, _read_ltrace)


def prints(words, limit_s):
    """Adds `lines`: the output of a command that looks at a file."""
    about = _start(words)
    if about["state"] == "ok":
        done = _run(about, words, limit_s)
        if done is not None:
            about["lines"] = (done.out or done.err).splitlines()[:LINES]
    return about


def disassembled(path, limit_s):
    """`objdump -D -Mintel FILE | grep 'int\\|sys'`: counts of its lines, and where they stand.

    Adds `matches`, `in_code` and `asks`: how many of those in code ask the kernel.
    """
    words = ["objdump", "-D", "-Mintel", path]
    about = _start(words)
    about["command"] += " | grep 'int\\|sys'"
    if about["state"] != "ok":
        return about
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        out = os.path.join(folder, "code")
        script = '"$1" -D -Mintel -- "$2" >"$3"'
        done = _run(about, ["/bin/sh", "-c", script, "sh", words[0], path, out], limit_s)
        if done is not None and done.status == 0:
            about.update(_instructions(out))
        elif done is not None:
            _doubt(about, "it ended with status %s" % done.status, done.err)
    return about


def _instructions(path):
    counts, section = Counter(), ""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            found = _SECTION.match(line)
            section = found.group(1) if found else section
            if not found and ("int" in line or "sys" in line) and "\t" in line:
                counts["matches"] += 1
                counts["in_code"] += section.startswith(_CODE)
                counts["asks"] += section.startswith(_CODE) and bool(_ASKS.search(line))
    return {name: counts[name] for name in ("matches", "in_code", "asks")}


# ---- what they share ----------------------------------------------------------------------------


def _start(words):
    """The answer's beginning: whether the tool is there at all."""
    about = {"state": "ok", "why": "", "command": " ".join(map(shlex.quote, words))}
    if shutil.which(words[0]) is None:
        package = INSTALL.get(words[0], words[0])
        about.update(state="missing", why="%s is not installed: apt-get install %s" % (
            words[0], package))  # fmt: skip
    return about


def _run(about, words, limit_s):
    """tool.Done, or None where the tool was killed; says so in `about`."""
    try:
        done = tool.run(words, limit_s, fixed_addresses=False)
    except tool.Missing as error:
        about.update(state="missing", why=str(error))
        return None
    if done.timed_out:
        _doubt(about, "%s still ran after %g s and was killed" % (words[0], limit_s), done.err)
        return None
    return done


def _doubt(about, why, said=""):
    said = " ".join(said.split())[-SAID:]
    about.update(state="unreliable", why=why + (", having printed: " + said if said else ""))


def _logged(command, limit_s, name, flags, read):
    """A tracer with its log in a file, so that the program's own output never mixes with it."""
    about = _start([name, *flags, *command])
    if about["state"] != "ok":
        return about
    with tempfile.TemporaryDirectory(prefix="brkpoint-") as folder:
        log = os.path.join(folder, "log")
        done = _run(about, [name, "-o", log, *flags, "--", *command], limit_s)
        if done is None:
            return about
        try:
            with open(log, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().splitlines()
        except OSError:
            lines = []
    read(about, lines, done)
    return about


def _read_strace(about, lines, done):
    records = strace_log.parse(lines)
    if strace_events.ending(records)[0] == "unknown":
        _doubt(about, "strace's log ends before the program does", done.err)
        return
    counts = strace_events.count(records)["process"]
    about["counts"] = {name: counts[name] for name in ("brk", "mmap")}


def _read_ltrace(about, lines, done):
    log = ltrace_log.parse("1 " + line for line in lines)  # without -f it writes no task's number
    kind, status = log.ends.get(1, ("unknown", None))
    if done.status is None or done.status < 0:
        _doubt(about, "ltrace was ended by signal %s" % -(done.status or 0), done.err)
    elif kind == "unknown":
        _doubt(about, "ltrace saw no end of the program", done.err or " ".join(log.noise))
    elif kind == "exited" and status == 0:
        about["calls"] = [_call(call) for call in log.calls]
        about["lines"] = lines[:LINES]
    else:
        _doubt(about, "the program ended otherwise under it: %s %s" % (kind, status))


def _call(call):
    return {
        "name": call.name,
        "library": call.library,
        "args": list(call.args),
        "result": call.result,
        "outer": call.outer,
    }
