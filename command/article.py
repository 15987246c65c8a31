"""`brkpoint article`: the article's programs, run on this machine, beside what it saw in 2022."""

from __future__ import annotations

import multiprocessing.connection
import os
import platform
import re
import shlex
import subprocess
import sys
import time

from alloctrace.escape import visible
from article import article, rows as article_rows, runs as article_runs
from article.designs import TOLD as DESIGNS
from reports import ink
from start.errors import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from typing import Any, Optional

    Facts = dict[str, Any]  # of one program
    Job = tuple[str, list[str], str, list[str]]  # what article_runs.run takes
    Outcome = tuple[str, Optional[Facts], str]  # (program, facts, why it was left out or "")

NAME = "article"
HELP = "reproduce the article: its 2022 numbers beside yours"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A clone builds into its own build/; what was installed is not written to.
IS_CLONE = os.path.exists(os.path.join(ROOT, "Makefile"))
PRODUCTS = os.path.join(ROOT, "build") if IS_CLONE else os.path.abspath("brkpoint-article")
BUILD = ("make", "-f", "targets/build.mk")
_PRODUCT = re.compile(r" -o (\S+?)(?:\.(?:\$\$|\d+)\S*)?(?:\s|$)", re.M)
# The longest first: two run at a time.
PROGRAMS = (
    ("vec", "vec_fn", "vec_reserved", "empty", "empty.small", "alloc", "success", "stack")
    + ("success_asm", "success.stripped", "success.static", "success.through-ld-linux")
    + ("success.library-path", "alloc.no-plt", "empty.debug", "empty.stripped", "empty.z")
    + ("empty.lto", "empty.one-unit", "empty.abort", "empty.small-stripped", "empty.long-path")
    + ("boxed.debug", "grow", "reserve", "untouched")
)
# Programs that are another one, started in another way.
MADE_FROM = {"success.library-path": "success", "empty.long-path": "empty"}
AT_ONCE = 4  # one of them touches 400 MB
VERSIONS = {
    "compiler (C)": (os.environ.get("CC", "gcc"), "--version"),
    "compiler (Rust)": (os.environ.get("RUSTC", "rustc"), "--version"),
    "assembler": ("nasm", "--version"),
    "gdb": ("gdb", "--version"),
    "strace": ("strace", "--version"),
    "ltrace": ("ltrace", "--version"),
    "libc": ("getconf", "GNU_LIBC_VERSION"),
}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        metavar="DIR",
        dest="folder",
        help="where the report goes (build/reports; outside a clone brkpoint-article/reports)",
    )


def invoke(args: Namespace) -> int:
    home = os.getcwd()
    folder = os.path.abspath(args.folder or os.path.join(PRODUCTS, "reports"))
    traces = os.path.join(folder, "article")
    _make_folder(traces)
    os.chdir(ROOT)  # the programs are named as a reader in the clone would type them
    _say("building the article's programs ...")
    _build()
    results = _results(traces)
    _write(os.path.join(folder, "article.json"), article.to_json(results))
    _write(os.path.join(folder, "article.md"), article.to_markdown(results))
    look = ink.of_stream(sys.stdout)
    print("\n".join(look.wrap(article.verdict(results), look.width, "")))
    print("The report: %s" % visible(os.path.relpath(os.path.join(folder, "article.md"), home)))
    return 0


def _results(traces: str) -> dict[str, Any]:
    """The results that article/article.py renders."""
    data, began = article_rows.read_data(), time.monotonic()
    facts, skipped = _run_all(traces, data[7]["functions"].split())
    evaluator, why = _evaluator(traces)
    rows = article_rows.rows(data, {**facts, **evaluator}, dict(skipped, evaluator=why))
    return {
        "made": time.strftime("%Y-%m-%d, ") + "%s %s" % (platform.system(), platform.release()),
        "took_s": round(time.monotonic() - began),
        "versions": _versions(),
        "rows": article_rows.as_dicts(rows),
        "programs": facts,
        "evaluator": evaluator.get("evaluator", {}).get("designs"),
        "skipped": skipped,
        "repeat": "./brkpoint article",
    }


def _run_all(traces: str, wanted: list[str]) -> tuple[dict[str, Facts], dict[str, str]]:
    """({program: facts} in the order of PROGRAMS, {program: why it was left out})."""
    commands, skipped = _commands(), _skipped()
    jobs = [(name, commands[name], traces, wanted) for name in PROGRAMS if name in commands]
    found: dict[str, Facts | None] = {}
    done = 0
    for name, its, why in _side_by_side(jobs):
        done += 1
        _say("%2d of %d: %s" % (done, len(jobs), name))
        found[name] = its
        if why:
            skipped[name] = why
    _say("")
    ran = ((name, found.get(name)) for name in PROGRAMS)
    facts = {name: its for name, its in ran if its}
    left = {n: skipped.get(n, "it was not built") for n in PROGRAMS if n not in facts}
    return facts, left


def _evaluator(traces: str) -> tuple[dict[str, Facts], str]:
    """({"evaluator": facts of its three designs, their programs' facts}, why there are none).

    It measures time: nothing runs beside it.
    """
    commands = _commands()
    missing = [name for name in DESIGNS if name not in commands]
    if missing:
        return {}, _skipped().get(missing[0], "%s cannot be built here" % ", ".join(missing))
    _say("one evaluator, three ways")
    try:
        return article_runs.designs({name: commands[name] for name in DESIGNS}, traces), ""
    except (article_runs.RunError, UserError, OSError) as error:
        return {}, visible(str(error))
    finally:
        _say("")


def _side_by_side(jobs: Iterable[Job]) -> Iterator[Outcome]:
    """Yield each job's outcome as it comes; each has a process of its own, for it forks itself.

    No pool of multiprocessing: its locks want a /dev/shm that can be written to.
    """
    most = min(len(os.sched_getaffinity(0)), AT_ONCE)
    waiting = list(jobs)
    running: dict[Any, tuple[BaseProcess, Connection, Job]] = {}  # by that Connection
    try:
        while waiting or running:
            while waiting and len(running) < most:
                process, answer = _begin(waiting[0])
                running[answer] = process, answer, waiting.pop(0)
            for heard in multiprocessing.connection.wait(running):
                process, answer, job = running.pop(heard)
                yield _outcome(answer, job)
                process.join()
    finally:
        for process, _, _ in running.values():
            process.terminate()


def _begin(job: Job) -> tuple[BaseProcess, Connection]:
    """(process, where its outcome will come)."""
    context = multiprocessing.get_context("fork")
    answer, sender = context.Pipe(duplex=False)
    process = context.Process(target=_job, args=(job, sender))
    process.start()
    sender.close()
    return process, answer


def _outcome(answer: Connection, job: Job) -> Outcome:
    with answer:
        try:
            outcome: Outcome = answer.recv()
            return outcome
        except EOFError:
            return job[0], None, "it ended before it told anything"


def _job(job: Job, sender: Connection) -> None:
    try:
        sender.send((job[0], article_runs.run(*job), ""))
    except (article_runs.RunError, UserError, OSError) as error:
        sender.send((job[0], None, visible(str(error))))
    except KeyboardInterrupt:  # what was started has been ended on the way up
        os._exit(130)


def _build() -> None:
    """Build what is not built yet, with a counter: some of it takes a while."""
    built: dict[str, None] = {}
    for line in _making("article-targets"):
        built.update(dict.fromkeys(_products(line)))
        if built:
            _say("building the article's programs: %s (%d)" % (list(built)[-1], len(built)))


def _products(text: str) -> list[str]:
    """The names of what lines of make say they build."""
    return [os.path.basename(name) for name in _PRODUCT.findall(text)]


def _make(goal: str, *options: str) -> str:
    """Run one goal of targets/build.mk; its output as text."""
    return "".join(_making(goal, "-s", *options))


def _making(goal: str, *options: str) -> Iterator[str]:
    """The same, line by line."""
    if not os.path.exists(os.path.join(ROOT, "targets", "build.mk")):
        raise UserError("the article's programs are not here: run this in a clone of brkpoint")
    words = [*BUILD, *options, goal]
    if not IS_CLONE:
        words.insert(-1, "TARGETS_OUT=%s/targets" % PRODUCTS)
    try:
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    except OSError:
        raise UserError("make is missing: apt-get install make") from None
    with process:
        for line in process.stdout or ():
            yield line.decode("utf-8", "replace")
    if process.returncode:
        raise UserError("the article's programs could not be built: make said why, above")


def _commands() -> dict[str, list[str]]:
    """{name: command} of the programs that can be built here."""
    rows = [line.split("\t") for line in _make("programs").splitlines()]
    found = {name: shlex.split(command) for name, _, command in rows}
    found.update((name, found[base]) for name, base in MADE_FROM.items() if base in found)
    return found


def _skipped() -> dict[str, str]:
    """{name: why}, from lines like `skipped: brk mmap success_asm: no nasm (...)`."""
    why: dict[str, str] = {}
    for line in _make("skipped").splitlines():
        _, names, reason = line.split(": ", 2)
        why.update((name, reason) for name in names.split())
    why.update((name, why[base]) for name, base in MADE_FROM.items() if base in why)
    return why


def _versions() -> dict[str, str]:
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


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (visible(path), error.strerror)) from None


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError("cannot write %s: %s" % (visible(path), error.strerror)) from None


def _say(text: str) -> None:
    """Progress, on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()
