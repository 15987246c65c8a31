"""The program that a run was asked for, where others only led to it.

A shell script that is called python3 and execs the real one, `sh -c 'make'`, `timeout 9 prog`: the
report is about what they were started for. One exec after another leads to the last program of the
first process. From there on a child is followed where it and those below it made nearly all calls,
as of a daemon; or where it is the only program that a mere starter of others has started; or where
it was started again each time that it failed, and its starter ended as it did at last. A starter
that makes calls which were not seen, as Go does, is no mere starter because few were seen.
"""

from __future__ import annotations

from collections import defaultdict

from . import lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from alloctrace.summary.lives import Process, Program

NEARLY_ALL = 0.9  # of the calls
MUCH = 20_000  # calls of a starter: to begin, and to start one program, needs fewer
_STARTERS = frozenset(  # programs that do nothing but start another
    "chroot chrt doas env flatpak ionice linux32 linux64 nice nohup nsenter numactl prlimit runuser"
    " script setarch setpriv setsid setuidgid stdbuf su sudo systemd-run taskset tini time timeout"
    " unbuffer unshare xargs xvfb-run".split()
) | frozenset(lives.SHELLS)


class AskedFor:
    """`program`: of lives.Program; `steps`: [(how, lives.Program before, why)] that led to it."""

    def __init__(
        self, program: Program, steps: list[tuple[str, Program, dict[str, float] | None]]
    ) -> None:
        self.program, self.steps = program, steps


def find(processes: list[Process]) -> AskedFor | None:
    """The AskedFor of a run, of lives.of_run; None where nothing is known of it."""
    if not processes or not processes[0].programs:
        return None
    below = _below(processes)
    steps: list[tuple[str, Program, dict[str, float] | None]] = []
    process = processes[0]
    for _ in processes:
        steps += [("exec", program, None) for program in process.programs[:-1] if _is_own(program)]
        child, why = _follow(process, below)
        if child is None:
            break
        steps.append(("start", process.last, why))
        process = child
    return AskedFor(process.last, steps)


def _is_own(program: Program) -> bool:
    """Between the fork and the exec a child is its parent still."""
    return program.began != "fork"


def _below(processes: list[Process]) -> dict[int, tuple[list[Process], int]]:
    """{id(process): (its children, calls of it and all below)}."""
    children: defaultdict[int, list[Process]] = defaultdict(list)
    calls: dict[int, int] = {}
    for process in reversed(processes):  # a parent is announced before its children
        children[id(process.parent)].insert(0, process)
        own = sum(program.calls for program in process.programs)
        calls[id(process)] = own + sum(calls.get(id(c), 0) for c in children[id(process)])
    return {id(process): (children[id(process)], calls[id(process)]) for process in processes}


def _follow(
    process: Process, below: dict[int, tuple[list[Process], int]]
) -> tuple[Process | None, dict[str, float] | None]:
    """(the child that did the work of `process`, why); (None, None) where it did its own."""
    last, (children, _) = process.last, below[id(process)]
    mine = [child for child in children if child.parent_image == last.image]
    calls = last.calls + sum(below[id(child)][1] for child in mine)
    alike = [child for child in mine if not last.hides or child.last.image == last.image]
    for child in alike:
        share = below[id(child)][1] / calls if calls else 0
        if share >= NEARLY_ALL:
            return child, {"share": round(share, 4)}
    tries = _tries(alike)
    share = sum(below[id(child)][1] for child in tries) / calls if calls else 0
    if share >= NEARLY_ALL and _status(process.exit) == _status(tries[-1].exit):
        return tries[-1], {"share": round(share, 4), "tries": len(tries)}
    started = [child for child in mine if _starts(child, below)]
    is_mere = last.name in _STARTERS and (last.calls < MUCH or last.calls < NEARLY_ALL * calls)
    if len(started) == 1 and is_mere and _may_pass_on(process, started[0]):
        return started[0], {"only": True}
    return None, None


def _tries(children: list[Process]) -> list[Process]:
    """Those that ran one program of its own, one after the other, and failed but for the last."""
    found = [child for child in children if _is_own(child.last)]
    largest = max(found, key=lambda child: child.last.calls, default=None)
    found = [child for child in found if largest and child.last.path == largest.last.path]
    for before, after in zip(found, found[1:]):
        ended, began = before.last.ended_ns, after.last.began_ns
        if ended is None or began is None or ended > began or _status(before.exit) in (None, 0):
            return []
    return found if len(found) > 1 else []


def _may_pass_on(process: Process, child: Process) -> bool:
    """A shell that ends otherwise than its only child has done something of its own."""
    if process.last.name not in lives.SHELLS:
        return True
    ends = [_status(one.exit) for one in (process, child)]
    return None in ends or ends[0] == ends[1]


def _status(exit_: dict[str, Any]) -> int | None:
    """As a shell has it: 128 and the number of the signal. None: unknown."""
    status = exit_.get("status")
    if not isinstance(status, int) or exit_.get("kind") not in ("exited", "signalled"):
        return None
    return status + 128 if exit_["kind"] == "signalled" else status


def _starts(process: Process, below: dict[int, tuple[list[Process], int]]) -> bool:
    """Whether it is a program of its own, or forked for one."""
    return any(map(_is_own, process.programs)) or any(
        any(map(_is_own, child.programs)) for child in below[id(process)][0]
    )
