"""A trace with something of everything that an export must hold, under hostile names, and its sums
by phase and origin; and the tools that read exports, where they are."""

import io
import json
import os
import re
import shutil
import subprocess
from collections import Counter, defaultdict

import pytest

import made_traces
from alloctrace import measure
from alloctrace.history import history
from alloctrace.model import Frame, Purpose, Verdict
from alloctrace.purpose import classify
from alloctrace.trace import trace
from exports import formats
from made_records import LIBC, MAIN, Made

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PACKAGES = os.path.join(ROOT, "build", "readers", "node_modules")
SPEEDSCOPE = os.path.join(PACKAGES, "speedscope", "dist", "release")
LIMIT_S = 300

NAMES = (  # of functions: what a format could take for its own
    "main",
    "operator new(unsigned long)",
    "[u8; 32]::fmt 12",
    'a "quoted", b\\c',
    "=cmd|' /C calc'!A0",
    "\x1b[31mred\nline\r\t\0",
    "bytes \udcff\udcfe \u202e that are no UTF-8",
    "M" * 100_000,
    "M" * 99_999 + "N",
    "</script>{{%s}} ${a} %d",
    "-1",
    "größer 漢字",
    None,
)
VERDICTS = (
    Verdict("user", None, (), True, 0, "user function", "frame"),
    Verdict("loader", None, (), False, 0, "loader function", "frame", "user"),
    Verdict("runtime", 'C++; "x", y\n', (), False, 1, "table", "frame"),
    None,
)
PURPOSES = (Purpose("=a FILE, \x1b[2J of\n'x'", "fopen", "iofopen.c"), None, Purpose())
PHASES = ("load", "init", "main", "exit")


def made_history():
    """Two threads; blocks that stay, are temporary, grow, shrink; syscalls in calls and outside."""
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=0x401000, t_ns=made.now)
    made.info("module", id=4, path="/li;b/\x1b\udcff.so", base=LIBC, start=LIBC, end=LIBC + 0x9000,
              build_id="ab" * 20)  # fmt: skip
    made.info("module", id=5, path="/bin/target", base=0x400000, start=0x400000, end=0x500000)
    made.info("thread", tid=78, t_ns=made.now)
    for number, phase in enumerate(PHASES):
        made.info("phase", phase=phase, t_ns=made.tick(), how="made", rss_bytes=4096 * number)
        _work(made, 0x10000 * (number + 1))
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    return history.build(made.records)


def _work(made, at):
    for line in range(len(NAMES)):
        made.call("malloc", 101 + line, result=at + line * 0x200, line=line)
    made.call("free", at, line=2)
    made.call("malloc", 53, result=at, line=4)
    made.call("free", at, line=5)  # temporary: freed before its thread asked again
    made.enter("realloc", at + 0x200, 4099, line=6)
    made.syscall("brk", at + 0x8000, result=at + 0x8000)
    made.leave("realloc", at + 0x4000)
    made.enter("calloc", 3, 17, line=7, tid=78)
    made.enter("malloc", 51, line=7, tid=78)
    made.leave("malloc", at + 0x6000, tid=78)  # both: the one is in the other
    made.call("malloc", 2**40, result=0, line=8)  # fails
    made.syscall("mmap", 0, 8192, 3, 0x22, 2**32 - 1, result=0x7F1234567000, path=b"/a\xff")
    made.call("malloc", 19, result=at + 0x7000, line=9, tid=78)
    made.call("free", at + 0x7000, line=9)  # by another thread than its own
    for line in range(2, len(NAMES), 3):
        made.call("free", at + line * 0x200, line=line)
    made.call("malloc", 23, result=at + 0x7800, line=3)
    made.call("free", at + 3 * 0x200, line=3)
    made.call("free", at + 0x7800, line=3)  # temporary, though another free lay between
    made.call("free", 0x99, line=1)  # nobody saw it allocated


def symbolise(built):
    return {id_: _frames(stack) for id_, stack in built.stacks.items()}


def _frames(stack):
    inner, outer = stack.frames[0][0], stack.frames[1][0]
    line = outer - MAIN
    name = NAMES[line % len(NAMES)]
    libc = Frame(inner, "li;bc.so", "/li;b/\x1b\udcff.so", "system", inner - LIBC, "malloc")
    place = ("a b", "/x/a b", "executable", outer - 0x400000)
    inlined = Frame(outer, *place, name, "\udcff;.rs", line or None, True)
    return libc, inlined, Frame(outer, *place, "caller;of", "/s r c/x.c", 7, False, 0x1000, "main")


def judge(built, _):
    """Stands in for the rules: every origin in every phase."""
    alike = {}
    for event in built.events:
        key = event.stack, event.phase
        number = alike.setdefault(key, len(alike))
        event.verdict, event.purpose = VERDICTS[number % 4], PURPOSES[number % 3]


def write(folder):
    """The path of the trace."""
    built = made_history()
    path = folder / "made.brkpoint"
    outcome = {"program": "/x/a b", "command": ["./a b", "\x1b;=x"], "complete": True}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(classify, "classify", judge)
        trace.write(path, built, symbolise(built), outcome)
    return path


def wrong(path, name, more=1):
    """A copy in which each group that has some has one more in the column `name`."""
    text = "UPDATE groups SET {0} = {0} + {1} WHERE id = (SELECT min(id) FROM groups WHERE {0} > 0)"
    return made_traces.changed(path, text.format(name, more))


def wrong_size(path):
    """A copy whose events are a byte larger each."""
    return made_traces.changed(path, "UPDATE columns SET base = base + 1 WHERE name = 'size'")


# ---- what must be found ------------------------------------------------------------------------


def sums(path):
    """{(phase, origin): Counter} of the trace, counted from its groups; told apart as measures."""
    found = defaultdict(Counter)
    with trace.open(path) as recorded:
        for group in recorded.sums().groups:
            here = found[group.phase, measure.origin(group)]
            if group.kind == "syscall":
                here["syscalls"] += group.count
            here["bytes"] += group.allocated
            here["calls"] += group.allocations
            here["peak"] += group.peak_bytes
            here["live"] += group.live_bytes
            here["blocks"] += group.live_blocks
            here["temporary"] += group.temporary_bytes
            here["temporary_blocks"] += group.temporary_blocks
    return dict(found)


def of(path, *measures):
    """{(phase, origin): values}; what has nothing is left out."""
    found = {key: tuple(all_[name] for name in measures) for key, all_ in sums(path).items()}
    return {key: values for key, values in found.items() if any(values)}


def export(path, name, measure=None, sites=False):
    """(the bytes, what was said)."""
    out = io.BytesIO()
    with trace.open(path) as recorded:
        said = formats.load(name).write(out, recorded, formats.Choice(measure, sites))
    return out.getvalue(), said


def by_roots(stacks):
    """{(phase, origin): sum} of (frames outermost first, number)."""
    found = Counter()
    for frames, value in stacks:
        assert frames[0].startswith("[phase ") and frames[1].startswith("[origin "), frames[:2]
        found[frames[0][7:-1], frames[1][8:-1].split(" ")[0]] += value
    return dict(found)


# ---- readers -----------------------------------------------------------------------------------


def needs(*names):
    """A mark that skips where a reader is missing: a command, or a file."""
    gone = [n for n in names if not (os.path.exists(n) if os.sep in n else shutil.which(n))]
    missing = ", ".join(os.path.basename(name) for name in gone)
    return pytest.mark.skipif(bool(gone), reason="not here: %s (./setup)" % missing)


def run(*words, stdin=None):
    """What a reader wrote."""
    done = subprocess.run(
        words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout


def speedscope(file):
    """What speedscope makes of it: dicts with name, unit, stacks [(frames, weight)]."""
    script = os.path.join(HERE, "readers", "speedscope.js")
    return json.loads(run("node", script, SPEEDSCOPE, str(file)))


def duckdb(query):
    """Rows of the answer, as lists of texts."""
    script = os.path.join(HERE, "readers", "duckdb.js")
    return [json.loads(line) for line in run("node", script, PACKAGES, query).splitlines()]


def protoc(data, folder, file, message):
    """A message as protoc reads it by a published .proto: {field: [value or the same again]}."""
    words = ("protoc", "--decode=" + message, "-I", folder, file)
    lines = iter(run(*words, stdin=data).decode().splitlines())
    return _message(lines)


def _message(lines):
    found = defaultdict(list)
    for line in map(str.strip, lines):
        if line == "}":
            break
        if line.endswith(" {"):
            found[line[:-2]].append(_message(lines))
        else:
            name, value = line.split(": ", 1)
            found[name].append(_text(value[1:-1]) if value[0] == '"' else _number(value))
    return found


def _number(value):
    return int(value) if value.lstrip("-").isdigit() else value


_ESCAPED = re.compile(rb"\\([0-7]{3}|.)")
_SIGNS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _text(value):
    """protoc writes bytes that are no ASCII in octal."""
    raw = _ESCAPED.sub(_unescaped, value.encode())
    return raw.decode("utf-8")  # or it is no string


def _unescaped(match):
    sign = match[1]
    return bytes([int(sign, 8)]) if len(sign) == 3 else _SIGNS.get(sign, sign)
