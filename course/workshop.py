"""Where a reader's programs are made and run: copies of the targets, which are theirs to edit.

A copy that is there is never written over. Where a program cannot be made or watched here, its
stored trace stands in for it, and that is said.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shlex
import shutil
import signal
import subprocess

from alloctrace.plain import plain, replace
from course import measured, tools
from course.surroundings import surroundings
from start import scripts
from start.errors import UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from course.lesson import Lesson, Program

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = os.path.join(HERE, "targets")
LIMIT_S = 10  # for a program that a reader may have changed; those of the course take a moment
RECORD_S = 60  # with what watches it
MEMORY = 6 << 30  # bytes of addresses for the trial of a changed program
_EVERY = ("--clock", "every")
OUTPUT = 64 << 10  # bytes of a program's output that are kept
_COMPILERS = {
    ".c": ["gcc", "-g", "-O0", "-fno-builtin", "-Wall"],
    ".cc": ["g++", "-g", "-O0", "-Wall"],
    ".rs": ["rustc", "--edition", "2021", "-O"],
}
_PACKAGES = {
    "gcc": "gcc libc6-dev",
    "ld": "binutils",
    "musl-gcc": "musl-tools",
    "libjemalloc.so.2": "libjemalloc2",
    "libmimalloc.so": "libmimalloc-dev",
}
_LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib",
)


class CannotBuild(Exception):
    """A tool or a library is missing. One line that says what mends it."""


class DoesNotCompile(Exception):
    """What the compiler says of a source that a reader changed."""


class NeverEnds(Exception):
    """A changed program did not end within LIMIT_S. One line."""


@plain
class Run:
    """`trace`: its path; `why`: why it is a stored one, "" where it was made here."""

    trace: str
    typed: list[str] | None = None  # commands, as a reader can type them
    output: str = ""
    why: str = ""


class Workshop:
    """`folder`: the reader's; `stored`: folders of stored traces; `only_stored`: nothing is run.
    `kept`: {what was run: its Run}, for who plays many lessons that share programs; `command`:
    a program that the reader names, for the lesson that is about it."""

    def __init__(
        self,
        folder: str,
        stored: Sequence[str] = (),
        only_stored: bool = False,
        kept: dict[str, Run] | None = None,
        command: Iterable[str] = (),
    ) -> None:
        self.folder, self.stored, self.only_stored = folder, stored, only_stored
        self._built: dict[str, tuple[tuple[tuple[str, ...], ...], int]] = {}
        self._kept = kept
        self.command, self._home = list(command), os.getcwd()

    # ---- sources -------------------------------------------------------------------------------

    def own(self, program: Program) -> str:
        """The reader's copy of a source, made where there is none; its path. Of a change it is
        called as the change is."""
        ending = os.path.splitext(program.source)[1]
        name = program.name + ending if program.replaced else program.source
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            os.makedirs(self.folder, exist_ok=True)
            shutil.copyfile(os.path.join(TARGETS, program.source), path)
        return path

    def is_changed(self, program: Program) -> bool:
        """Whether the reader's copy is another than the course's."""
        with open(self.own(program), "rb") as file:
            return file.read() != original(program).encode()

    def _given(self, program: Program) -> str:
        """The source as the course has it, with the given change; its path."""
        path, text = self.own(program), taken(program)
        if not program.replaced and not self.is_changed(program):
            return path
        stem, ending = os.path.splitext(path)
        path = stem + ".course" + ending
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    # ---- building ------------------------------------------------------------------------------

    def _build(self, program: Program, source: str) -> tuple[str, list[str]]:
        """Compile; (path of the product, commands typed). Raises CannotBuild, DoesNotCompile."""
        for name in program.needs:
            if not any(os.path.exists(os.path.join(one, name)) for one in _LIBRARIES):
                package = _PACKAGES.get(name)
                mend = ": apt-get install %s" % package if package else ""
                raise CannotBuild("%s is not on this machine%s" % (name, mend))
        ending = os.path.splitext(source)[1]
        product = os.path.join(self.folder, program.name)
        commands = _commands(program, os.path.basename(source), ending, os.path.basename(product))
        key = (tuple(tuple(command) for command in commands), os.stat(source).st_mtime_ns)
        if self._built.get(product) != key:
            for command in commands:
                self._compile(command)
            self._built[product] = key
        return product, [shlex.join(command) for command in commands]

    def _compile(self, command: list[str]) -> None:
        tool = command[0]
        if shutil.which(tool) is None:
            package = _PACKAGES.get(tool, tool)
            raise CannotBuild("%s is missing: apt-get install %s" % (shown(tool), shown(package)))
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="backslashreplace",
            env=dict(os.environ, LC_ALL="C.UTF-8"),
            check=False,
        )
        if done.returncode:
            raise DoesNotCompile(done.stdout.strip() or "%s failed" % tool)

    # ---- running -------------------------------------------------------------------------------

    def run(self, lesson: Lesson, program: Program, is_readers: bool = False) -> Run:
        """A Run of a program, made here or stored; `is_readers`: of the reader's copy of it. Raises
        Unmeasured where neither can be had, DoesNotCompile and NeverEnds of a reader's own."""
        failed: type[measured.Unmeasured] = measured.Unmeasured
        if self.is_named(program) and program.name not in lesson.programs and not is_readers:
            raise measured.Missing("changing your own program is up to you")
        if not self.only_stored:
            try:
                return self._run_here(program, is_readers)
            except CannotBuild as error:
                why, failed = str(error), measured.Missing
            except (UserError, OSError) as error:
                why = str(error)
            except DoesNotCompile as error:
                if is_readers:
                    raise
                first = shown(str(error).split("\n")[0])
                why, failed = "%s does not compile: %s" % (program.source, first), measured.Broken
        else:
            why = "stored traces were asked for"
        if is_readers:
            raise measured.Unmeasured(why)
        for folder in self.stored:
            path = os.path.join(folder, "%s.%s.brkpoint" % (lesson.name, program.name))
            if os.path.exists(path):
                return Run(path, [], "", why)
        raise failed(why)

    def _run_here(self, program: Program, is_readers: bool) -> Run:
        if self.is_named(program):
            return self._run_named(program)
        if self._kept is None or is_readers:
            return self._made(program, is_readers)
        how = vars(replace(program, name="", line=0, replaced=[]))
        key = repr((taken(program), sorted(how.items())))
        if key not in self._kept:
            self._kept[key] = self._made(program, False)
        return self._kept[key]

    def is_named(self, program: Program) -> bool:
        """Whether it is the program that the reader named."""
        return bool(program.theirs and self.command)

    def _run_named(self, program: Program) -> Run:
        """As they would run it: where they are, with all that is set there."""
        os.makedirs(self.folder, exist_ok=True)
        trace = os.path.join(self.folder, program.name + ".brkpoint")
        output = record(self.command, self._home, dict(os.environ), trace)
        tools.made_here[trace] = None
        return Run(trace, [shlex.join(["brkpoint", *self.command])], output)

    def _made(self, program: Program, is_readers: bool) -> Run:
        source = self.own(program) if is_readers else self._given(program)
        product, typed = self._build(program, source)
        words = ["./" + os.path.basename(product), *program.arguments]
        environment = surroundings(program.variables)
        if is_readers:
            _try(words, self.folder, environment)
        trace = os.path.join(self.folder, program.name + ".brkpoint")
        try:
            output = record(words, self.folder, environment, trace, _EVERY[: 2 * program.timed])
        except UserError:
            if not program.timed:
                raise
            output = record(words, self.folder, environment, trace)  # without the recorder
        tools.made_here[trace] = dict(program.variables)
        variables = ["%s=%s" % item for item in program.variables.items()]
        typed.append(shlex.join([*variables, "brkpoint", *words]))
        return Run(trace, typed, output)


def near(path: str) -> str:
    """A path as it is typed from here."""
    return min(os.path.relpath(path), path, key=len)


def original(program: Program) -> str:
    """The course's own source."""
    with open(os.path.join(TARGETS, program.source), encoding="utf-8") as file:
        return file.read()


def taken(program: Program) -> str:
    """The source with the given change; raises Broken where that does not fit it."""
    text = original(program)
    for old, new in program.replaced:
        if text.count(old) != 1:
            told = "%s: %s occurs %d times; a change needs it exactly once"
            raise measured.Broken(told % (program.source, shown(old), text.count(old)))
        text = text.replace(old, new)
    return text


def _commands(program: Program, source: str, ending: str, product: str) -> list[list[str]]:
    if ending == ".asm":
        return [
            ["nasm", "-f", "elf64", "-g", "-o", product + ".o", source],
            ["ld", "-o", product, product + ".o"],
        ]
    command = list(_COMPILERS[ending])
    if program.compiler:
        command[0] = program.compiler
    return [[*command, "-o", product, source, *program.build]]


def _try(words: list[str], folder: str, environment: dict[str, str]) -> None:
    """Run what a reader wrote by itself first, within bounds: recording what never ends fills
    disks. How it ends does not matter, only that it does."""
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_bound,
        )
    except OSError:
        return  # the recording says why
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        raise NeverEnds("it had not ended after %d seconds, and was stopped" % LIMIT_S) from None
    finally:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def record(
    words: list[str],
    folder: str,
    environment: dict[str, str],
    trace: str,
    options: Sequence[str] = (),
) -> str:
    """Watch a program; what it printed. Raises UserError where nothing could be recorded."""
    command = [os.path.join(scripts.TOP, "brkpoint"), "run", "-o", trace, "--force"]
    command += ["--quiet", "--timeout", str(RECORD_S), *options, "--", *words]
    partial = trace + ".new"
    command[command.index(trace)] = partial
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
        if not os.path.exists(partial):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            text = said[-1] if said else "it ended with status %d" % done.returncode
            raise UserError(shown(text.replace("brkpoint: ", "", 1)))
        os.replace(partial, trace)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)
    return done.stdout[:OUTPUT].decode("utf-8", "backslashreplace")


def stored_folders() -> list[str]:
    """Where stored traces are looked for: of `make course`, and where they were handed out."""
    return [os.path.join(scripts.TOP, "build", "course", "traces"), os.path.join(HERE, "traces")]
