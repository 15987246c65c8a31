"""The fourth step: the reader changes one thing, in a copy of their own or as it is given; the
course runs it, and says what happened and why."""

from __future__ import annotations

from course import filling, measured, places, workshop
from course.lesson import Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from course.lesson import Change, Section
    from course.player import Player
    from course.screen import Screen

_COMPILER_LINES = 12
KEYS = "r: run my file   t: take the given change   s: skip   q: leave"


def play(player: Player, section: Section, change: Change) -> bool:
    """Whether there is a run of it to be shown: not where the reader goes on without. `change`: the
    section's."""
    screen = player.screen
    if player.shop.is_named(change.program):
        return _named(player, section, change)
    if change.program.replaced and screen.is_terminal and not player.shop.only_stored:
        return _own(player, section, change)
    return _given(player, section, change)


def _own(player: Player, section: Section, change: Change) -> bool:
    screen = player.screen
    path = player.shop.own(change.program)
    screen.text("Your copy to edit: %s" % workshop.near(path), player.ink.bold)
    screen.text("Edit it in another window, save it, and come back.")
    screen.line()
    while True:
        pressed = screen.key(KEYS, "rts")
        if pressed == "s":
            player.forget(change.program.name)  # later steps speak of the given change
            return False
        if pressed == "t":
            return _given(player, section, change)
        if _theirs(player, section, change):
            return True


def _named(player: Player, section: Section, change: Change) -> bool:
    """The change is one of the reader's own program, which only they can make and build."""
    screen = player.screen
    if not screen.is_terminal:
        return False
    screen.text("Change your program, build it again, and come back.", player.ink.bold)
    while screen.key("r: run it again   s: skip   q: leave", "rs") == "r":
        if _theirs(player, section, change):
            return True
    return False


def _theirs(player: Player, section: Section, change: Change) -> bool:
    """Run what the reader changed; whether it did what the change is for."""
    screen = player.screen
    named = player.shop.is_named(change.program)
    if not named and not player.shop.is_changed(change.program):
        screen.text("The file is still as it was: save your change first.")
        return False
    try:
        run = player.run_of(change.program.name, is_readers=True)
    except workshop.DoesNotCompile as error:
        screen.text("It does not compile yet. The compiler says:", player.ink.bold)
        said = str(error).split("\n")
        screen.lines("  " + line for line in said[:_COMPILER_LINES])
        if len(said) > _COMPILER_LINES:
            screen.line("  … and %d more lines" % (len(said) - _COMPILER_LINES))
        screen.text("Begin with the first error. Your file stays as you saved it.")
    except workshop.NeverEnds as error:
        screen.text("It was started, and %s." % error, player.ink.bold)
        screen.text("Is there a loop without an end? Your file stays as you saved it.")
    except measured.Unmeasured as error:
        screen.text("It cannot be run here: %s." % error)
    else:
        player.tell_run(run)
        return _told(player, section, change)
    screen.line()
    return False


def _given(player: Player, section: Section, change: Change) -> bool:
    screen = player.screen
    for old, new in change.program.replaced:
        _difference(old, new, screen)
    try:
        player.forget(change.program.name)
        player.tell_run(player.run_of(change.program.name))
        _told(player, section, change)
        return True
    except measured.Unmeasured as error:
        player.left_out(error)
        return False


def _difference(old: str, new: str, screen: Screen) -> None:
    for sign, text, style in (("-", old, "red"), ("+", new, "green")):
        for line in filling.aligned(text):
            screen.line(screen.ink.paint("  %s %s" % (sign, line), style))
    screen.line()


def _told(player: Player, section: Section, change: Change) -> bool:
    """Say what happened, and why; whether it is what was expected."""
    screen, values = player.screen, player.values
    fill = filling.filler(values)
    missed = next((expected for expected in change.expect if not values.holds(expected)), None)
    if missed is None:
        for question in (item for item in section.items if isinstance(item, Question)):
            player.judge(question)
        screen.text(fill(change.right))
        screen.line()
        return True
    for mistake in change.mistakes:
        if mistake.condition is None or values.holds(mistake.condition):
            screen.text("\u201c%s\u201d: %s" % (mistake.name, fill(mistake.text)))
            break
    else:
        told = ", ".join(
            "%s is %s" % (name, places.told(values.lookup(name))) for name in missed.names
        )
        said = "It ran, but did something else than was meant: expected was %s, and %s."
        screen.text(said % (missed.text, told))
    screen.line()
    return False
