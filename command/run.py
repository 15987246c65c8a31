"""`brkpoint run PROGRAM`: watch a program from its first instruction to its last, and report."""

from __future__ import annotations

import contextlib
import os

from alloctrace import kept

from start import attach, attachable, cache, choice, heritage, launch, place, program, recorder
from start import seconds
from start.errors import NOT_FOUND, USAGE, UserError, is_interrupt, shown
from . import also, main, process_option, watching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator

    from start.choice import Choice
    from start.launch import Options, Outcome
    from start.place import Place
    from start.program import Program

NAME = "run"
HELP = "run a program and show what it allocated, when, for whom and why"
MAX_CLOCK = 1 << 16  # events between two time stamps
USAGE_LINE = "brkpoint [run] [OPTION...] PROGRAM [ARG...]"

EPILOG = """\
Options end at PROGRAM: everything after it belongs to the program. The exit
status is the program's (128+N if signal N ended it), or 125 if brkpoint failed,
126 if PROGRAM cannot be executed, 127 if it is not found, 2 for a wrong command
line. The report goes to standard error. With --verify no trace is kept, and the
status is 0 if both engines saw the same, 1 if not, 2 if the program did not do
the same thing twice under one engine.

  brkpoint ./a.out < input           the program keeps its standard streams
  brkpoint -o day1.brkpoint ./a.out  then: brkpoint report day1.brkpoint
  brkpoint -p PID --for 10s          a running program; the status is 0
  brkpoint run -- -odd-name          a program whose name begins with a hyphen
"""


def configure(parser: ArgumentParser) -> None:
    parser.usage = USAGE_LINE
    add = parser.add_argument
    add("-o", "--output", metavar="TRACE", help="the trace file (PROGRAM.PID.brkpoint)")
    add("--force", action="store_true", help="overwrite an existing TRACE")
    add(
        "--engine",
        choices=choice.NAMES,
        default="auto",
        help="what records: gdb's breakpoints, or code planted in the program, which then runs "
        "at nearly full speed (`make recorder` builds it); auto, the default: planted code "
        "where possible",
    )
    add("--live", action="store_true", help="show each event while the program runs")
    add("--timeout", type=seconds.below(1e9), metavar="S", help="end the program after S seconds")
    add("--fixed-addresses", action="store_true", help="switch address randomisation off")
    process_option.add(parser)
    add("--quiet", action="store_true", help="print no report, only what went wrong")
    add(
        "--verify",
        action="store_true",
        help="run the program twice, once with each engine (its side effects happen twice), and "
        "compare event by event: status 0 same, 1 different",
    )
    add(
        "--also",
        action="append",
        default=[],
        metavar="NAMES",
        help="functions of the program's own allocator, for instance "
        "'pool_alloc(size)=malloc,pool_free(ptr)=free': each with its arguments in order "
        "(size nmemb align ptr out, _ for one that does not matter) and the function it acts as",
    )
    add(
        "--also-file",
        action="append",
        default=[],
        metavar="FILE",
        help="read such functions from FILE, one or more per line; # starts a comment",
    )
    add(
        "--no-cache",
        action="store_true",
        help="neither use what earlier runs cached nor cache anything",
    )
    add("--no-symbols", action="store_true", help="ignore installed debug files")
    add(
        "--keep",
        choices=("all", "totals"),
        default="all",
        help="with the recorder: keep every event, or only totals and the timeline (for long runs)",
    )
    add(
        "--clock",
        type=_events,
        metavar="every|N",
        help="with the recorder: take a time stamp for every event, or for one in N (16); only "
        "`every` gives durations",
    )
    add(
        "-p",
        "--pid",
        type=attach.process,
        metavar="PID",
        help="attach to a running program; Ctrl-C detaches and leaves it running",
    )
    add(
        "--for",
        dest="duration",
        type=attach.seconds,
        metavar="TIME",
        help="with -p: detach after this long, for instance 10s, 250ms, 5m or 1h",
    )


def _events(word: str) -> int:
    value = 1 if word == "every" else int(word)
    if not 0 < value <= MAX_CLOCK:
        raise ValueError
    return value


_events.__name__ = "number of events, nor `every`"  # argparse names the type in its message


def parse(parser: ArgumentParser, words: list[str]) -> Namespace:
    """The arguments; everything from PROGRAM on stays untouched in `command`."""
    at = _program_at(parser, words)
    args = parser.parse_args(words[:at])
    rest = words[at:]
    args.command = rest[1:] if rest[:1] == ["--"] else rest
    return args


def _program_at(parser: ArgumentParser, words: list[str]) -> int:
    """The index of PROGRAM, or of the `--` before it."""
    takes_value, at = main.takes_value(parser), 0
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-", "--"):
        at += 2 if takes_value.get(words[at]) else 1
    return min(at, len(words))


def invoke(args: Namespace) -> int:
    """Run and report; the exit status."""
    if args.no_cache:
        cache.switch_off()
    kept.use(cache.folder())
    _check(args)
    if args.pid is not None:
        return _attach(args)
    argv = [word.encode("utf-8", "surrogateescape") for word in args.command]
    found = _find(argv)
    for note in found.notes:
        main.say("note: " + note)
    if args.verify:
        from . import verify  # only now: hardly any run needs it

        return verify.verify(argv, found, _options(args))
    where = place.prepare(args.output, args.force, found.path)
    with _telling_of_the_spool(where):
        return _conclude(args, where, _watched(args, argv, where, found))


@contextlib.contextmanager
def _telling_of_the_spool(where: Place) -> Iterator[None]:
    """Also where Ctrl-C comes behind the run, and before what takes care of it there."""
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if not is_interrupt(error) or not os.path.exists(where.spool):
            raise
        text = "interrupted; what was recorded is kept: brkpoint recover %s"
        raise UserError(text % shown(where.spool)) from None


def _conclude(args: Namespace, where: Place, outcome: Outcome) -> int:
    """What makes trace and report is read in while the program runs: a fork before it copied all
    that there is."""
    from . import conclude

    return conclude.conclude(args, where, outcome)


def _check(args: Namespace) -> None:
    attach.check_arguments(args)
    args.named = also.named(args)
    if args.verify and (args.output or args.live):
        text = "--verify keeps no trace and shows no events: leave out -o and --live"
        raise UserError(text, USAGE)
    if args.engine == "breakpoints" and (args.keep == "totals" or args.clock) and not args.verify:
        raise UserError("--keep totals and --clock need the recorder: --engine recorder", USAGE)
    if args.verify and args.keep == "totals":
        raise UserError("--verify compares events: leave out --keep totals", USAGE)
    if args.verify and recorder.find() is None:
        raise UserError("--verify: the recorder is not built: make recorder")
    if not args.command and args.pid is None:
        raise UserError("which program? usage: " + USAGE_LINE, USAGE)


def _attach(args: Namespace) -> int:
    """Into a running process and out again; 0 where that went well, however the target did."""
    attachable.check(args.pid)
    where = place.prepare(args.output, args.force, attach.known_as(args.pid))
    options = _options(args)
    options.timeout = args.duration
    view = watching.choose(where.spool, args.live, args.quiet)
    options.tick = _ticking(args, view.tick)
    with _telling_of_the_spool(where):
        try:
            outcome = attach.run(args.pid, where.spool, options, lambda: _tell_attached(args))
            outcome.also = options.also
        finally:
            view.finish()
        return _conclude(args, where, outcome)


def _tell_attached(args: Namespace) -> None:
    if not args.quiet:
        main.say("attached to process %d; Ctrl-C leaves it running" % args.pid)


def _find(argv: list[bytes]) -> Program:
    try:
        return program.find(argv, heritage.environment())
    except UserError as error:
        import difflib  # only now: hardly any run needs it

        near = difflib.get_close_matches(os.fsdecode(argv[0]), main.VERBS, 1)
        if error.status == NOT_FOUND and near:
            raise UserError("%s (or did you mean `brkpoint %s`?)" % (error, near[0]), NOT_FOUND)
        raise


def _watched(args: Namespace, argv: list[bytes], where: Place, found: Program) -> Outcome:
    """The Outcome of the run under the engine that is wanted, or that can be had."""
    alone = args.engine == "auto" and (args.keep == "totals" or args.clock)
    chosen = choice.choose("recorder" if alone else args.engine, args.live)
    _tell_notes(chosen, found)
    if chosen.may_change:
        try:
            outcome = _launch(args, chosen, argv, where, found)
            refused = outcome.refused
        except launch.EngineError as error:
            refused = shown(str(error))
        if refused is not None:
            chosen = choice.instead(refused)
            _tell_notes(chosen, found)
            _remove_spool(where)
    if not chosen.may_change:
        outcome = _launch(args, chosen, argv, where, found)
    outcome.why_engine = chosen.why
    return outcome


def _tell_notes(chosen: Choice, found: Program) -> None:
    for note in found.of_engine(chosen.engine == "recorder"):
        main.say("note: " + note)


def _remove_spool(where: Place) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(where.spool)


def _launch(
    args: Namespace, chosen: Choice, argv: list[bytes], where: Place, found: Program
) -> Outcome:
    view = watching.choose(where.spool, args.live, args.quiet)
    options = _options(args)
    options.recorder = chosen.engine == "recorder"
    options.may_refuse = chosen.may_change
    options.tick = _ticking(args, view.tick)
    try:
        outcome = launch.run(argv, where.spool, options, found)
        outcome.also = options.also
        return outcome
    except launch.EngineError as error:
        if not chosen.may_change:
            from . import conclude

            conclude.tell_log(error.observer, error.log)
        raise
    finally:
        view.finish()


def _ticking(args: Namespace, tick: Callable[[], None]) -> Callable[[], None]:
    """At the first tick what makes the trace is read in: the program runs meanwhile."""
    waiting = [_prepare]

    def ticked() -> None:
        while waiting:
            with contextlib.suppress(Exception):  # then it fails, and is told, where it is needed
                waiting.pop()(args)
        if tick is not None:
            tick()

    return ticked


def _prepare(args: Namespace) -> None:
    from . import conclude

    conclude.prepare(args)


def _options(args: Namespace) -> Options:
    return launch.Options(
        live=args.live,
        symbols=not args.no_symbols,
        timeout=args.timeout,
        fixed_addresses=args.fixed_addresses,
        cache_dir=cache.folder(),
        clock=args.clock,
        keep=args.keep,
        also=args.named,
    )
