"""What the user names as allocator functions: --also and --also-file."""

from __future__ import annotations

from alloctrace import allocators

from start.errors import USAGE, UserError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable

    from alloctrace.allocators import Named


def named(args: Namespace) -> tuple[Named, ...]:
    """The Named of both options, the later one of a name; raises UserError."""
    found: dict[str, Named] = {}
    for text in args.also:
        _take(found, allocators.of_user, text, "--also")
    for path in args.also_file:
        _take(found, allocators.of_file, _text(path), path)
    return tuple(found.values())


def _take(
    found: dict[str, Named], read: Callable[[str, str], Iterable[Named]], text: str, origin: str
) -> None:
    try:
        for one in read(text, origin):
            found[one.name] = one
    except allocators.Unclear as error:
        where = "" if origin == "--also" else " in %s" % shown(origin)
        raise UserError("--also%s: %s" % (where, shown(str(error))), USAGE) from None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(allocators.MAX_TEXT)
    except OSError as error:
        raise UserError("--also-file: %s: %s" % (shown(path), error.strerror), USAGE) from None
