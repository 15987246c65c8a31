"""Words of a gdb command -> options. argparse, but for its habit of ending the whole program."""

from __future__ import annotations

import argparse

import gdb


class Arguments(argparse.ArgumentParser):
    """Errors are gdb.GdbError: one line. Help is the command's docstring (`help alloc NAME`)."""

    def __init__(self, name):
        super().__init__(prog=name, add_help=False, allow_abbrev=False)

    def error(self, message):
        raise gdb.GdbError("%s: %s (see: help %s)" % (self.prog, message, self.prog))

    def read(self, text):
        """The options in the words of `text`, split as gdb splits them."""
        return self.parse_args(gdb.string_to_argv(text))


def matching(words, text, word):
    """Completions of the last word of `text`, without what gdb will not replace.

    gdb breaks words at hyphens, too: of `--ev` it asks for `ev` only.
    """
    typed = text[len(text.rstrip().rpartition(" ")[0]) :].lstrip() if text[-1:] != " " else ""
    kept = len(typed) - len(word or "")
    return [candidate[kept:] for candidate in words if candidate.startswith(typed)]
