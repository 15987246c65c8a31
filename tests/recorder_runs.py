"""Runs of programs with and without the recorder, and the probes of recorder/tests/probes/."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections import Counter, namedtuple

from alloctrace.history import history
from alloctrace.spool import spool
from start import recorder

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PROBES = os.path.join(TOP, "recorder", "tests", "probes")
OUT = os.path.join(TOP, "build", "recorder", "probes")
LIMIT_S = 300
BUILT = recorder.find() is not None
NOT_BUILT = "the recorder is not built: make recorder"
ENGINES = ["breakpoints"] + (["recorder"] if BUILT else [])
_CODE = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from start import launch, recorder
if "TESTED_RECORDER" in os.environ:
    recorder.find = lambda: os.environ["TESTED_RECORDER"]
options = launch.Options(recorder=True)
outcome = launch.run([os.fsencode(word) for word in sys.argv[4:]], sys.argv[2], options)
told = {name: getattr(outcome, name) for name in ("kind", "status", "complete", "reason")}
with open(sys.argv[3], "w") as file:
    json.dump(told, file)
"""
_COMPILERS = {
    ".c": ["gcc", "-O0", "-g", "-fno-builtin", "-pthread", "-Wall", "-Wno-unused-result"],
    ".cc": ["g++", "-O0", "-g", "-Wall"],
    ".rs": ["rustc", "-g"],
}

# status: as subprocess has it, negative for a signal.
Done = namedtuple("Done", "status out err")
Recorded = namedtuple("Recorded", "status out err history complete reason")


def probe(source, *flags, name=None):
    """The path of a probe, compiled when its source is newer."""
    stem, extension = os.path.splitext(source)
    path = os.path.join(OUT, name or stem)
    os.makedirs(OUT, exist_ok=True)
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path) or os.path.getmtime(path) < _newest():
            words = [*_COMPILERS[extension], "-o", path, os.path.join(PROBES, source), *flags]
            subprocess.run(words, check=True)
    return path


def _newest():
    return max(os.path.getmtime(entry.path) for entry in os.scandir(PROBES))


def alone(words, **how):
    """Done of `words`, run by themselves."""
    return _run(words, **how)


def _run(words, environment=None, prepare=None):
    done = subprocess.run(
        words,
        env=dict(os.environ, **(environment or {})),
        preexec_fn=prepare,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        cwd=TOP,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def traced(folder, engine, *words, check=True):
    """The path of the trace that a run of `words` under an engine leaves in `folder`."""
    path = os.path.join(str(folder), engine)
    options = ["--quiet", "--force", "--engine", engine, "-o", path]
    subprocess.run([os.path.join(TOP, "brkpoint"), "run", *options, "--", *words], check=check)
    return path


def recorded(folder, words, **how):
    """Recorded of `words` under the recorder."""
    place, told = (os.path.join(str(folder), name) for name in ("spool", "told"))
    done = _run(["/usr/bin/python3", "-c", _CODE, TOP, place, told, *words], **how)
    assert done.status == 0, done.err.decode(errors="replace")
    with open(told) as file:
        outcome = json.load(file)
    status = -outcome["status"] if outcome["kind"] == "signalled" else outcome["status"]
    past = history.build(spool.read(place))
    return Recorded(status, done.out, done.err, past, outcome["complete"], outcome["reason"])


def both(folder, words, **how):
    """What `words` does by itself and under the recorder, compared; the Recorded."""
    before, after = alone(words, **how), recorded(folder, words, **how)
    assert (after.status, after.out, after.err) == (before.status, before.out, before.err)
    assert before.status != 77, "the probe cannot be tried here"
    assert after.complete and after.history.lost == 0, after.reason
    assert after.history.unfollowed == []
    return after


def counted(past, sizes, children=False, kind="call"):
    """Counter of (name, bytes) of events for so many bytes: the program's, or its children's."""
    mine = [e for e in past.events if (e.pid != past.run["pid"]) == children and e.kind == kind]
    all_bytes = [(e.name, (e.size or 0) * (e.nmemb or 1)) for e in mine]
    return Counter(call for call in all_bytes if call[1] in sizes)
