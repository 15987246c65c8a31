"""Traces that are written before anybody asks what their allocations are for.

Who reads no report (`run --quiet`) need not wait for what it would say. Such a trace has everything
that purposes rest on: verdicts, names, events as in any other, and in the table `unexplained` what
no other table holds. explain.py finds out what they are for when it is read.
"""

from __future__ import annotations

import json
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.history import History
    from alloctrace.purpose.judging import Programs


def can_wait(history: History) -> bool:
    """Whether its purposes can be found out when its trace is read: of a recorder's events."""
    return history.packed is not None and history.packed.keeps_events


def rows(groups: GroupTable, programs: Programs) -> Iterator[tuple[str, bytes]]:
    """Of the table `unexplained`."""
    known: dict[tuple[Any, ...], list[int]] = {}
    for image, told in programs.items():
        key = told["libc"], tuple(sorted(told["holds"])), bool(told["executable_mixed"])
        known.setdefault(key, []).append(image)
    told_of = [[*key, images] for key, images in known.items()]
    yield "programs", zlib.compress(json.dumps(told_of).encode(), 1)
    yield "members", zlib.compress(groups.members_rows, 1)
    yield "before", zlib.compress(groups.before.tobytes(), 1)
