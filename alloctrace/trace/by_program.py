"""What a trace keeps of each program of each process: its peak, and its live bytes through time.

A program is one image of one process, named by the pair (pid, image).
"""

from __future__ import annotations

from collections import Counter, defaultdict

from alloctrace.history import stages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.history.groups import Sums

MOST_LIVES = 100  # programs with a timeline: those with most events


def peaks(sums: Sums) -> list[dict[str, Any]]:
    """[{pid, image, bytes, seq, t_ns, phase, by_origin}]; `sums`: groups.Sums with verdicts."""
    groups, programs = sums.groups, sums.groups.programs()
    held: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for id_, (what, size) in enumerate(zip(groups.what, groups.own_peak), 1):
        if size:
            held[programs[what]][groups.origin(id_)] += size
    return [dict(row, by_origin=dict(held[row["pid"], row["image"]])) for row in sums.peaks]


def lives(sums: Sums) -> list[dict[str, Any]]:
    """[{pid, image, seq, t_ns, live_bytes}], as stages.by_origin has them; [] for one program."""
    groups, programs = sums.groups, sums.groups.programs()
    if len(set(programs)) < 2:  # of most runs: without a look at each group
        return []
    counts = Counter(dict.fromkeys(map(programs.__getitem__, groups.what), 0))
    by_what = [0] * len(programs)
    for what, count in zip(groups.what, groups.sums["count"]):
        by_what[what] += count
    for program, count in zip(programs, by_what):
        if program in counts:
            counts[program] += count
    if len(counts) < 2:
        return []
    rows, moments = defaultdict(list), []
    for row in sums.stages:
        if row[2] == 0:
            moments.append(row)
        else:
            rows[programs[groups.what[row[2] - 1]]].append((len(moments), row))
    chosen = {key for key, _ in counts.most_common(MOST_LIVES)}
    return [_life(key, rows[key], moments, groups) for key in counts if key in chosen & set(rows)]


def _life(
    key: tuple[int, int],
    rows: list[tuple[int, tuple[int, int, int, int]]],
    moments: list[tuple[int, int, int, int]],
    groups: GroupTable,
) -> dict[str, Any]:
    """From the first moment at which it held something else than before to the last."""
    begin, end = rows[0][0], rows[-1][0]
    merged = [(at, moment) for at, moment in enumerate(moments[begin - 1 : end], begin)]
    merged = sorted(merged + rows, key=lambda item: item[0])  # a moment before what it is about
    found = stages.by_origin([row for _, row in merged], groups)
    return {"pid": key[0], "image": key[1], **found}
