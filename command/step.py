"""`brkpoint step`: forward and back through the events of a run, in the terminal, by keys."""

from __future__ import annotations

import os
import select
import sys

from alloctrace.escape import visible
from alloctrace.event_cursor import Cursor
from alloctrace.summary import chosen
from reports import card_words, ink, key_pieces, quantities, step_card, step_memory, step_screen

from start.errors import USAGE, UserError
from . import process_option, summaries
from .traces import naming_errors, newest, open_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence
    from typing import Any

    from reports.step_card import Card

NAME = "step"
HELP = "step through a recorded run in the terminal, forward and back"
EPILOG = """\
Keys: right (or space) forward, left back, n next event that reached the kernel,
m next event of mine, p the peak, b memory at that event, g a number and Enter,
Home, End, up and down within the card, q quit.

  brkpoint step                      the newest trace here
  brkpoint step a.brkpoint --seq 42  from event 42 on
"""
LONGEST_NUMBER = 18  # digits


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("trace", nargs="?", metavar="TRACE", help="default: the newest here")
    parser.add_argument("--seq", type=int, metavar="N", help="begin at event N")
    process_option.add(parser)


def invoke(args: Namespace) -> int:
    _check_terminal()
    path = args.trace or newest(os.curdir)
    with open_trace(path) as opened, naming_errors(path):
        summary = summaries.summary_of(opened, args.process or chosen.ASKED)
        if not summary["events"] or not opened.keeps_events:
            raise UserError("this trace has no events to step through")
        cursor = Cursor(opened, chosen.of_summary(summary), summary["timeline"])
        walk = Walk(cursor, summary["peak"]["seq"], args.seq)
        _in_terminal(walk)
    return 0


def _check_terminal() -> None:
    for stream in (sys.stdin, sys.stdout):
        if stream is None or not stream.isatty():
            raise UserError("step needs a terminal: `brkpoint events` lists them anywhere", USAGE)
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        raise UserError("step needs a terminal that knows more than TERM=dumb", USAGE)


class Walk:
    """Where one is, and what a key does. `said`: what is told once beneath the card."""

    def __init__(self, cursor: Cursor, peak: int | None, seq: int | None = None) -> None:
        self.cursor, self.peak = cursor, peak
        found = cursor.near(0 if seq is None else seq)
        if found is None:
            raise UserError("this trace has no events of that program to step through")
        self.seq = found
        self.top, self.said = 0, ""
        self.number: str | None = None  # what is typed behind `g`
        self._card: tuple[int, Card] | None = None
        self._memory: tuple[int, list[str]] | None = None
        self.tells_memory = False

    def card(self) -> Card:
        if self._card is None or self._card[0] != self.seq:
            self._card = self.seq, step_card.of(self.cursor, self.seq, "b counts")
        return self._card[1]

    def memory(self) -> Sequence[str]:
        """Lines of what memory looked like, where they are asked for: of a long run that takes a
        second or two."""
        if not self.tells_memory:
            return ()
        if self._memory is None or self.must_count:
            self._memory = self.seq, step_memory.of(self.cursor, self.seq)
        return self._memory[1]

    @property
    def must_count(self) -> bool:
        """Whether what memory looked like is asked for, and not known yet."""
        return self.tells_memory and (self._memory is None or self._memory[0] != self.seq)

    def _turn_memory(self) -> None:
        self.tells_memory = not self.tells_memory

    def press(self, key: str) -> bool:
        """Whether to go on. `key`: a character, or LEFT, RIGHT, UP, DOWN, PAGE UP …"""
        self.said = ""
        if self.number is not None:
            return self._type(key, self.number)
        if key in ("q", "Q"):  # not ESC: an arrow begins with it
            return False
        acts: dict[str, Callable[[], None]] = {
            "RIGHT": lambda: self._go(self.cursor.after(self.seq)),
            "LEFT": lambda: self._go(self.cursor.before(self.seq)),
            "n": lambda: self._go(self.cursor.next_that_reached(self.seq)),
            "m": lambda: self._go(self.cursor.next_of_mine(self.seq)),
            "HOME": lambda: self._go(self.cursor.near(0)),
            "END": lambda: self._go(self.cursor.near(self.cursor.count - 1)),
            "p": self._go_to_peak,
            "b": self._turn_memory,
            "g": lambda: setattr(self, "number", ""),
            "UP": lambda: self._scroll(-1),
            "DOWN": lambda: self._scroll(1),
            "PAGE UP": lambda: self._scroll(-10),
            "PAGE DOWN": lambda: self._scroll(10),
        }
        acts.update({" ": acts["RIGHT"], "l": acts["RIGHT"], "h": acts["LEFT"], ":": acts["g"]})
        acts.update({"k": acts["UP"], "j": acts["DOWN"], "BACKSPACE": acts["LEFT"]})
        acts.get(key, lambda: None)()
        return True

    def _type(self, key: str, typed: str) -> bool:
        if key == "ENTER" and typed:
            wanted = int(typed)
            self._go(self.cursor.near(wanted))
            if self.seq != wanted:
                self.said = "event %s is not one of these: this is the nearest" % (
                    quantities.grouped(wanted)
                )
        if key in ("ENTER", "ESC"):
            self.number = None
        elif key == "BACKSPACE":
            self.number = typed[:-1]
        elif key.isdigit() and key.isascii() and len(typed) < LONGEST_NUMBER:
            self.number = typed + key
        return True

    def _go(self, seq: int | None) -> None:
        if seq is None:
            self.said = card_words.WORDS["behind"]
        elif seq != self.seq:
            self.seq, self.top = seq, 0

    def _go_to_peak(self) -> None:
        if self.peak is None:
            self.said = "The trace does not know when most was live."
        else:
            self._go(self.cursor.near(self.peak))

    def _scroll(self, by: int) -> None:
        self.top = max(0, self.top + by)

    def screen(
        self, width: int, height: int, unicode: bool, counts: bool = True
    ) -> list[tuple[str, str]]:
        """[(text, style)] of at most `height` lines: the card, what is said, the keys. Not
        `counts`: without what would have to be counted first, which may take seconds."""
        shown = step_screen.lines(self.card(), width, unicode, self.memory() if counts else ())
        keys = step_screen.keys(width, unicode)
        room = max(1, height - 1 - len(keys))
        self.top = min(self.top, max(0, len(shown) - room))
        lines = shown[self.top : self.top + room]
        lines += [("", "plain")] * (room - len(lines))
        said = self.said if self.number is None else "go to event: " + self.number
        if not counts:
            said = "counting what is live"
        if not said and len(shown) > self.top + room:
            said = quantities.count(len(shown) - self.top - room, "more line") + " below"
        lines.append((said, "strong" if self.number is not None else "quiet"))
        lines += [(line, "keys") for line in keys]
        return lines[:height] if height > len(keys) + 1 else lines[:1]


def _in_terminal(walk: Walk) -> None:
    try:
        import curses  # asked for here: a build of Python may lack it
    except ImportError:
        raise UserError("step needs Python's curses, which this one lacks") from None
    os.environ.setdefault("ESCDELAY", "25")
    try:
        curses.wrapper(_loop, walk, curses)
    except curses.error as error:
        term = visible(os.environ.get("TERM", ""))
        raise UserError("step cannot use this terminal (TERM=%s): %s" % (term, error)) from None


def _is_gone() -> bool:
    """Whether nobody holds the other end of the terminal any more."""
    look = select.poll()
    look.register(sys.stdin.fileno(), select.POLLIN)
    return any(state & (select.POLLHUP | select.POLLERR) for _, state in look.poll(0))


def _loop(screen: Any, walk: Walk, curses: Any) -> None:
    styles = _styles(curses)
    names = _key_names(curses)
    _hide_cursor(curses)
    pieces = key_pieces.Pieces()
    while True:
        if walk.must_count:
            _draw(screen, walk, styles, curses, False)
        _draw(screen, walk, styles, curses)
        try:
            key = screen.get_wch()
        except KeyboardInterrupt:
            return
        except curses.error:
            if _is_gone():
                return
            continue  # a signal came: the size may have changed
        if key == curses.KEY_RESIZE:
            curses.update_lines_cols()
            continue
        if isinstance(key, str):
            key = pieces.whole(key)
        else:
            pieces.forget()
        if not walk.press(names.get(key, key if isinstance(key, str) else "")):
            return


def _hide_cursor(curses: Any) -> None:
    try:
        curses.curs_set(0)
    except curses.error:
        pass


def _draw(
    screen: Any, walk: Walk, styles: dict[str, int], curses: Any, counts: bool = True
) -> None:
    height, width = screen.getmaxyx()
    screen.erase()
    look = styles.get(walk.card().origin, 0)
    lines = walk.screen(width - 1, height, ink.speaks_unicode(), counts)
    for at, (text, style) in enumerate(lines):
        try:
            screen.addstr(at, 0, text, look if style == "origin" else styles.get(style, 0))
        except curses.error:  # the terminal is smaller than it was a moment ago
            pass
    screen.refresh()


def _key_names(curses: Any) -> dict[object, str]:
    found = {
        curses.KEY_LEFT: "LEFT",
        curses.KEY_RIGHT: "RIGHT",
        curses.KEY_UP: "UP",
        curses.KEY_DOWN: "DOWN",
        curses.KEY_HOME: "HOME",
        curses.KEY_END: "END",
        curses.KEY_PPAGE: "PAGE UP",
        curses.KEY_NPAGE: "PAGE DOWN",
        curses.KEY_BACKSPACE: "BACKSPACE",
        curses.KEY_ENTER: "ENTER",
    }
    found.update(
        {"\n": "ENTER", "\r": "ENTER", "\x1b": "ESC", "\x7f": "BACKSPACE", "\b": "BACKSPACE"}
    )
    return found


def _styles(curses: Any) -> dict[str, int]:
    found = {"code": curses.A_BOLD, "strong": curses.A_BOLD, "title": curses.A_UNDERLINE}
    found.update({"where": curses.A_DIM, "quiet": curses.A_DIM, "keys": curses.A_REVERSE})
    if os.environ.get("NO_COLOR") or not curses.has_colors():
        return found
    curses.use_default_colors()
    colours = {
        "user": curses.COLOR_GREEN,
        "runtime": curses.COLOR_YELLOW,
        "loader": curses.COLOR_CYAN,
        "unknown": curses.COLOR_RED,
    }
    for number, (origin, colour) in enumerate(colours.items(), 1):
        curses.init_pair(number, colour, -1)
        found[origin] = curses.color_pair(number)
    return found
