"""The verbs and options of brkpoint as plain values, read from the very parsers that it uses."""

from __future__ import annotations

import argparse
import re
from collections import namedtuple

from command import main

# usage: the whole command, in short; options: those that a person may type; first: words that the
# first one may be that is no option, beside a file; runs: whether that is a program to run.
Verb = namedtuple("Verb", "name help usage options first runs", defaults=((), False))
# metavar: "" where the option takes no value; choices: () where any value will do.
Option = namedtuple("Option", "names metavar choices help")


def verbs():
    """Every verb, in the order in which the command knows them."""
    return [_verb(main.load(name)) for name in main.VERBS]


def _verb(module):
    parser = main.parser_for(module)
    operands = [_operand(a) for a in parser._actions if not a.option_strings]
    usage = parser.usage or " ".join(["brkpoint", module.NAME, "[OPTION...]", *operands])
    options = [_option(parser, action) for action in parser._actions if _shown(action)]
    runs = re.search(r"(?<!\[)\bPROGRAM \[ARG", usage) is not None
    return Verb(module.NAME, module.HELP, usage, options, _first(module, parser), runs)


def _first(module, parser):
    """What the parser allows, or the module itself knows; none that holds a blank."""
    operands = [action for action in parser._actions if not action.option_strings]
    allowed = operands[0].choices if operands else None
    words = allowed or (module.first_words() if hasattr(module, "first_words") else ())
    return tuple(word for word in words if " " not in word)


def _shown(action):
    return action.option_strings and action.help != argparse.SUPPRESS


def _option(parser, action):
    metavar = "" if action.nargs == 0 else action.metavar or action.dest.upper()
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    return Option(tuple(action.option_strings), metavar, tuple(action.choices or ()), text)


def _operand(action):
    name = action.metavar or action.dest.upper()
    many = "%s..." % name if action.nargs in ("*", "+", argparse.REMAINDER) else name
    return "[%s]" % many if action.nargs in ("*", "?", argparse.REMAINDER) else many
