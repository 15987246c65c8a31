"""One gdb without a process reads debug information: (file, offsets) in, functions and lines out.

Paths and names travel as data: gdb sees links with harmless names in a temporary folder, and
writes its answers to a file there, one module a line, so that a crash loses one module only.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile

_HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
SCRIPT = os.path.join(_HERE, "gdb-scripts", "symbolise.py")
TIMEOUT_S = 120.0
_MAX_ANSWER = 1 << 28  # bytes


def ask(requests, gdb="gdb", debug_roots=None, timeout=TIMEOUT_S):
    """[(path, offsets)] -> ([{offset: answer}], [what went wrong]).

    answer: {"chain": [[function, file, line], …] innermost first, "symbol": [name, distance]}
    """
    with tempfile.TemporaryDirectory(prefix="brkpoint-symbols-") as folder:
        modules = []
        for index, (path, offsets) in enumerate(requests):
            name = "m%d" % index
            os.symlink(os.path.abspath(path), os.path.join(folder, name))
            modules.append({"file": name, "offsets": sorted(offsets)})
        request = {"modules": modules, "debug_roots": debug_roots}
        with open(os.path.join(folder, "request.json"), "w", encoding="ascii") as file:
            json.dump(request, file)
        problem = _run(gdb, folder, timeout)
        answers, problems = _answers(os.path.join(folder, "answer.jsonl"), requests)
    return answers, ([problem] if problem else []) + problems


def _run(gdb, folder, timeout):
    """None, or a sentence that says why gdb's answers are missing or incomplete."""
    # auto-load off: a file's .debug_gdb_scripts is code of a stranger
    command = [gdb, "-nx", "-nh", "-batch", "-iex", "set auto-load no", "-x", SCRIPT]
    environment = {k: v for k, v in os.environ.items() if k not in ("DEBUGINFOD_URLS",)}
    environment["LC_ALL"] = "C.UTF-8"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout,
            start_new_session=True,  # Ctrl-C is for the parent to handle
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "gdb took more than %g s to read debug information and was stopped" % timeout
    except OSError as error:
        return "gdb cannot be run for symbols: %s" % (error.strerror or error)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1][:200]
        return "gdb ended with status %d while reading symbols: %s" % (done.returncode, said)
    return None


def _answers(path, requests):
    answers, problems = [{} for _ in requests], []
    try:
        with open(path, encoding="ascii") as file:
            lines = file.read(_MAX_ANSWER).split("\n")
    except (OSError, ValueError):
        return answers, problems
    for line in lines:
        try:
            row = json.loads(line)
            found = {int(offset): answer for offset, answer in row["found"].items()}
            answers[row["module"]] = found
            if row.get("error"):
                problems.append("%s: %s" % (requests[row["module"]][0], row["error"]))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            continue  # the line that a crash cut off
    return answers, problems
