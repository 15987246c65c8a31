"""`alloc report`: the summary of what was recorded so far."""

from __future__ import annotations

import gdb

from reports import ink, json_report, markdown, text

from .. import so_far
from ..arguments import Arguments, matching

OPTIONS = ("--events", "--json", "--markdown", "--summary")


class Report(gdb.Command):
    """Show the summary of what was recorded so far, as `brkpoint report` does.

    alloc report [--events | --summary | --json | --markdown]

    --events     every event one by one (else only where they are few)
    --summary    the summary, however few they are
    --json       for a program: one object
    --markdown   for a ticket
    """

    NAME = "alloc report"

    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_DATA)

    def complete(self, text_, word):
        return matching(OPTIONS, text_, word)

    def invoke(self, argument, from_tty):
        options = parser().read(argument)
        current = so_far.current()
        facts = current.summarised()
        print(render(facts, current, options, gdb.parameter("width")), end="")


def parser():
    arguments = Arguments(Report.NAME)
    group = arguments.add_mutually_exclusive_group()
    for name in OPTIONS:
        group.add_argument(name, action="store_true")
    return arguments


def render(facts, current, options, width):
    if options.json:
        return json_report.render(facts)
    events = True if options.events else False if options.summary else None
    if options.markdown:
        return markdown.render(facts, current, events)
    return text.render(facts, current, width or 80, False, events, ink.speaks_unicode())
