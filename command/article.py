"""`brkpoint article`: the article's programs, run on this machine, beside what it saw in 2022."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import time

from alloctrace import trace
from alloctrace.escape import visible
from alloctrace.summary import summarise
from command.errors import UserError
from reports import article, article_facts, article_files, article_rows

NAME = "article"
HELP = "re-live the article: its 2022 numbers beside yours"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A clone builds into its own build/; what was installed is not written to.
IS_CLONE = os.path.exists(os.path.join(ROOT, "Makefile"))
PRODUCTS = os.path.join(ROOT, "build") if IS_CLONE else os.path.abspath("brkpoint-article")
BUILD = ("make", "-s", "-f", "targets/build.mk")
PROGRAMS = (
    ("success_asm", "success", "success.stripped", "success.static", "success.through-ld-linux")
    + ("alloc", "alloc.no-plt", "empty", "empty.debug", "empty.stripped", "empty.z", "empty.lto")
    + ("empty.one-unit", "empty.abort", "empty.small", "empty.small-stripped")
    + ("vec", "vec_fn", "vec_reserved", "grow", "reserve", "untouched")
)
LIMIT_S = 60  # for one program
VERSIONS = {
    "compiler (C)": ("gcc", "--version"),
    "compiler (Rust)": ("rustc", "--version"),
    "assembler": ("nasm", "--version"),
    "gdb": ("gdb", "--version"),
    "libc": ("getconf", "GNU_LIBC_VERSION"),
}


def configure(parser):
    parser.add_argument(
        "-o",
        metavar="DIR",
        dest="folder",
        help="where the report goes (build/reports; outside a clone brkpoint-article/reports)",
    )


def invoke(args):
    folder = args.folder or os.path.join(PRODUCTS, "reports")
    traces = os.path.join(folder, "article")
    _make_folder(traces)
    _say("building the article's programs ...")
    _make("article-targets")
    record = _record(traces)
    _write(os.path.join(folder, "article.json"), article.to_json(record))
    _write(os.path.join(folder, "article.md"), article.to_markdown(record))
    print(article.verdict(record))
    print("The report: %s" % visible(os.path.relpath(os.path.join(folder, "article.md"))))
    return 0


def _record(traces):
    """The record that reports/article.py renders."""
    commands, skipped = _commands(), _skipped()
    facts = {}
    for number, name in enumerate(PROGRAMS, 1):
        if name not in commands:
            skipped.setdefault(name, "it was not built")
            continue
        _say("%2d of %d: %s" % (number, len(PROGRAMS), name))
        try:
            facts[name] = _facts(name, commands[name], os.path.join(traces, name + ".brkpoint"))
        except RunError as error:
            skipped[name] = str(error)
    _say("")
    skipped = {name: why for name, why in skipped.items() if name in PROGRAMS}
    rows = article_rows.rows(article_rows.read_data(), facts, skipped)
    return {
        "made": time.strftime("%Y-%m-%d, ") + "%s %s" % (platform.system(), platform.release()),
        "versions": _versions(),
        "rows": article_rows.as_dicts(rows),
        "programs": facts,
        "skipped": skipped,
        "repeat": "./brkpoint article",
    }


class RunError(Exception):
    """brkpoint could not record one of the programs. One line."""


def _facts(name, command, path):
    """Run one program; what the article asks of its trace and of its file."""
    file = article_files.facts(os.path.join(ROOT, command[-1]))
    if "error" in file:
        raise RunError(file["error"])
    _brkpoint_run(command, path)
    try:
        recorded = trace.open(path)
    except trace.TraceError as error:
        raise RunError(str(error)) from None
    with recorded:
        facts = article_facts.facts(name, recorded, summarise(recorded))
    facts["file"] = file
    facts["repeat"] = "./brkpoint %s" % " ".join(map(shlex.quote, command))
    return facts


def _brkpoint_run(command, path):
    words = [sys.executable, os.path.join(ROOT, "brkpoint"), "run", "-o", path, "--force"]
    words += ["--quiet", "--timeout", str(LIMIT_S), *command]
    done = subprocess.run(
        words,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RunError(said[-1] if said else "it ended with status %d" % done.returncode)


def _make(goal):
    """Run one goal of targets/build.mk; its output as text."""
    if not os.path.exists(os.path.join(ROOT, "targets", "build.mk")):
        raise UserError("the article's programs are not here: run this in a clone of brkpoint")
    try:
        words = [*BUILD, goal] if IS_CLONE else [*BUILD, "TARGETS_OUT=%s/targets" % PRODUCTS, goal]
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    except OSError:
        raise UserError("make is missing: apt-get install make") from None
    if done.returncode:
        raise UserError("the article's programs could not be built: make said why, above")
    return done.stdout.decode("utf-8", "replace")


def _commands():
    """{name: command} of the programs that can be built here."""
    rows = [line.split("\t") for line in _make("programs").splitlines()]
    return {name: shlex.split(command) for name, _, command in rows}


def _skipped():
    """{name: why}, from lines like `skipped: brk mmap success_asm: no nasm (...)`."""
    why = {}
    for line in _make("skipped").splitlines():
        _, names, reason = line.split(": ", 2)
        why.update((name, reason) for name in names.split())
    return why


def _versions():
    """{what: the first line of what it says of its version}."""
    found = {"kernel": platform.release()}
    for name, words in VERSIONS.items():
        try:
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError:
            continue
        said = done.stdout.decode("utf-8", "replace").splitlines()
        if done.returncode == 0 and said:
            found[name] = said[0]
    return found


def _make_folder(path):
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (visible(path), error.strerror)) from None


def _write(path, text):
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (visible(path), error.strerror)) from None


def _say(text):
    """Progress, on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()
