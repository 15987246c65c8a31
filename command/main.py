"""Which verb is meant, and what becomes of its errors. Each verb is a file of this folder."""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import os
import signal
import sys

from start import heritage, surroundings
from start.errors import FAILED, USAGE, UserError, is_interrupt, shown
from start.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import NoReturn

VERBS = (
    "run",
    "explain",
    "report",
    "events",
    "export",
    "step",
    "sql",
    "diff",
    "check",
    "learn",
    "words",
    "quiz",
    "article",
    "eras",
    "witnesses",
    "doctor",
    "recover",
    "help",
)
vars(argparse)["_"] = str  # its words are English, as ours are: to look for translations takes 3 ms
_INTERRUPTED = 130
OBJECTS = 200000  # that may come before cycles are looked for: there are next to none


class Parser(argparse.ArgumentParser):
    """One line for a wrong command line, as for every other mistake of the user's."""

    verb: str

    def error(self, message: str) -> NoReturn:
        raise UserError("%s (see: brkpoint help %s)" % (shown(message), self.verb), USAGE)


def start() -> int:
    """Called once by the file `brkpoint`; returns the exit status."""
    gc.set_threshold(OBJECTS)
    try:
        heritage.occupy_standard_streams()
    except OSError as error:  # a root that nobody has prepared
        say("%s: %s" % (error.filename, error.strerror))
        return _settle(FAILED)
    heritage.free_limits()
    surroundings.name_output()
    if not heritage.is_known():
        say("there is no /proc: mount it (mount -t proc proc /proc)")
        return _settle(FAILED)
    _speak_as_the_locale()
    words = [word.decode("utf-8", "surrogateescape") for word in heritage.arguments()]
    return _settle(_interruptible(words))


def _interruptible(words: list[str]) -> int:
    """As main. Before and behind what a verb does Ctrl-C ends the process at once: there is nothing
    to clean."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_DFL:
        return main(words)  # it is ignored, and stays so
    try:
        status = main(words)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        return status
    except KeyboardInterrupt:  # the second one
        return _INTERRUPTED


def _settle(status: int) -> int:
    """Flush both outputs; what cannot be written is said where it still can, once."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
    except OSError as error:
        forget_output()
        say("cannot write to standard output: %s" % error.strerror)
        status = status or FAILED
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        _forget(2)  # else Python would end with a status of its own, 120
    return status


def main(words: list[str]) -> int:
    """Run the command line `words` (text; bytes that are no UTF-8 as surrogates); the status."""
    try:
        return _dispatch(words)
    except UserError as error:
        say(str(error))
        return error.status
    except BrokenPipeError:  # `brkpoint events | head`: enough was read
        forget_output()
        return 0
    except (KeyboardInterrupt, Exception) as error:
        if is_interrupt(error):
            say("interrupted")
            return _INTERRUPTED
        cause = surroundings.cause(error)
        if cause is not None:
            if surroundings.is_of_output(error):
                forget_output()
            say(cause)
            return FAILED
        import traceback  # only now, as it should be never

        traceback.print_exc()
        say("this is a bug in brkpoint; please report it with the lines above")
        return FAILED


def takes_value(parser: argparse.ArgumentParser) -> dict[str, bool]:
    """{option: whether a word behind it is its value}."""
    found: dict[str, bool] = {}
    for action in parser._actions:  # argparse has no public list
        found.update((name, action.nargs != 0) for name in action.option_strings)
    return found


def say(message: str) -> None:
    """One line on standard error; it may be closed or full, and then there is no one to tell."""
    try:
        sys.stderr.write("brkpoint: %s\n" % message)
        sys.stderr.flush()
    except (OSError, AttributeError):
        pass


def _dispatch(words: list[str]) -> int:
    if not words:
        raise UserError("which program? For example: brkpoint ./a.out (see: brkpoint help)", USAGE)
    first, rest = words[0], words[1:]
    if first == "--version":
        print("brkpoint " + VERSION)
        return 0
    if first in ("-h", "--help"):
        first = "help"
    elif first not in VERBS:
        first, rest = "run", words
    return call(first, rest)


def call(name: str, words: list[str]) -> int:
    """Run the verb `name` with its own words; its exit status."""
    verb = load(name)
    parser = parser_for(verb)
    try:
        args = verb.parse(parser, words) if hasattr(verb, "parse") else parser.parse_args(words)
    except SystemExit as end:  # argparse after --help
        return int(end.code or 0)
    # Not before: amid an import Python may only print it, and go on.
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    status: int = verb.invoke(args)
    return status


def load(name: str) -> ModuleType:
    """The module of a verb; raises UserError where this installation lacks it."""
    module = "%s.%s" % (__package__, name)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UserError("this installation has no `%s`" % name) from None


class _Help(argparse.RawDescriptionHelpFormatter):
    """argparse makes one for each option, and would each time look how wide the terminal is."""

    width = None

    def __init__(self, prog: str) -> None:
        _Help.width = _Help.width or _columns() - 2
        super().__init__(prog, width=_Help.width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return filled(text)


def filled(text: str) -> str:
    """`text` with no line longer than the terminal's: paragraphs are wrapped, lines that
    begin with a blank go on beneath what their second column says."""
    import re

    width = _columns()
    blocks = re.findall(r"(?:^\S.*\n?)+|^ .*\n?|^\n", text, re.M)
    return "".join(_narrow(block, width) for block in blocks)


def _narrow(block: str, width: int) -> str:
    if all(len(line) <= width for line in block.split("\n")):
        return block
    import re
    import textwrap  # argparse does so too, where it prints its help

    columns = re.match(r" +\S.*? {2,}", block)
    hanging = len(columns[0]) if columns else 4 if block.startswith(" ") else 0
    wrapper = textwrap.TextWrapper(width, subsequent_indent=" " * hanging)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.fill(block) + "\n"


def _columns() -> int:
    """As shutil.get_terminal_size says, whose import takes longer than all of this file."""
    said = os.environ.get("COLUMNS", "")
    try:
        return int(said) if said.isdigit() and int(said) else os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def parser_for(verb: ModuleType) -> Parser:
    """The argument parser of a verb's module; its help text is the module's."""
    parser = Parser(
        prog="brkpoint " + verb.NAME,
        usage=getattr(verb, "USAGE_LINE", None),
        description=verb.HELP[0].upper() + verb.HELP[1:] + ".",
        epilog=getattr(verb, "EPILOG", None),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.verb = verb.NAME
    verb.configure(parser)
    return parser


def _speak_as_the_locale() -> None:
    """-X utf8 makes every output UTF-8: where the user's locale says otherwise, plain ASCII."""
    entries = heritage.environment()  # Python may have changed its own: PEP 538
    chosen = [heritage.variable(entries, name) for name in (b"LC_ALL", b"LC_CTYPE", b"LANG")]
    name = os.fsdecode(next((value for value in chosen if value), b"C")).lower()
    if name in ("c", "posix") or "utf-8" in name or "utf8" in name:
        return  # in the C locale Python writes UTF-8 of its own accord (PEP 538)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="ascii", errors="backslashreplace")


def forget_output() -> None:
    """Nobody reads standard output any more: what is written from now on goes nowhere."""
    _forget(sys.stdout.fileno())


def _forget(descriptor: int) -> None:
    """Keep Python from complaining when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
