"""--process, of several verbs. Apart from the reports, which few need to read a command line."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def add(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--process",
        metavar="PID|NAME|all",
        help="which processes the report is about, if there were several: one, those that a name "
        "fits, or the sums over all; default: the program that was asked for (JSON: all)",
    )
