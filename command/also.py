"""What the user names as allocator functions: --also and --also-file."""

from __future__ import annotations

from alloctrace import allocators

from start.errors import USAGE, UserError, shown


def named(args):
    """The Named of both options, the later one of a name; raises UserError."""
    found = {}
    for text in args.also:
        _take(found, allocators.of_user, text, "--also")
    for path in args.also_file:
        _take(found, allocators.of_file, _text(path), path)
    return tuple(found.values())


def _take(found, read, text, origin):
    try:
        for one in read(text, origin):
            found[one.name] = one
    except allocators.Unclear as error:
        where = "" if origin == "--also" else " in %s" % shown(origin)
        raise UserError("--also%s: %s" % (where, shown(str(error))), USAGE) from None


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(allocators.MAX_TEXT)
    except OSError as error:
        raise UserError("--also-file: %s: %s" % (shown(path), error.strerror), USAGE) from None
