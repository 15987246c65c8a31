"""docs/man/brkpoint.1 from docs/man/brkpoint.1.in and the parsers: no option can be forgotten."""

from __future__ import annotations


def render(template, verbs):
    """`template` with @SYNOPSIS@ and @COMMANDS@ replaced: a line, and a section, a verb. man(7)"""
    synopsis = "\n.br\n".join(_plain(verb.usage) for verb in verbs) + "\n"
    template = template.replace("@SYNOPSIS@\n", synopsis)
    return template.replace("@COMMANDS@\n", "".join(map(_verb, verbs)))


def _verb(verb):
    lines = [".SS " + _plain(verb.usage), _say(verb.help)]
    if verb.first:
        lines += [".PP", _say("The first word may be: " + ", ".join(verb.first))]
    for option in verb.options:
        lines += [".TP", _names(option), _say(option.help + _choices(option))]
    return "\n".join(lines) + "\n"


def _names(option):
    names = ", ".join("\\fB%s\\fR" % _plain(name) for name in option.names)
    return names + (" \\fI%s\\fR" % _plain(option.metavar) if option.metavar else "")


def _choices(option):
    return ": " + ", ".join(map(str, option.choices)) if option.choices else ""


def _say(text):
    return _plain(text[:1].upper() + text[1:]).rstrip(".") + "."


def _plain(text):
    """`text` such that troff prints it as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text
