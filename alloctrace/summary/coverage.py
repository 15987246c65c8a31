"""What a run did not show, what it cost, and what more could be told with what. Never silent."""

from __future__ import annotations

import os
from collections import Counter

from alloctrace import measure
from alloctrace.history import run_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from alloctrace.columns.group_table import GroupTable
    from alloctrace.model import Frame, Group
    from alloctrace.stacks.tree import StackTree

# What no tracer of calls and syscalls sees: kind, in short, why. Every report says so.
ALWAYS_UNSEEN = (
    (
        "kernel",
        "what the kernel maps at the start",
        "what the kernel itself maps when it starts a program: the executable, the loader,"
        " vdso and stack were there before the first instruction",
    ),
    (
        "stacks",
        "growth of stacks",
        "the growth of stacks: it happens by page faults, without a syscall",
    ),
    (
        "shared",
        "shared memory of System V",
        "System V shared memory (shmat), and memory that devices or io_uring map",
    ),
)


MOST_NAMED = 3  # programs in one sentence
NAMELESS_LOADER = ("", False, False)


def look(frame: Frame) -> tuple[str, bool, bool] | None:
    """What the frame says of its program, for Understood: (path, has a name, main has a line)."""
    if frame.role == "loader":
        return None if frame.function else NAMELESS_LOADER
    if frame.role != "executable":
        return None
    is_main = frame.known in ("main", "user_main") or frame.function == "main"
    return frame.path, bool(frame.function), bool(frame.line and is_main)


class Understood:
    """How many events have a purpose, by origin; and whether stacks name no function.

    `tree`: of the stacks; `looks`: what `look` says of the frames of all of them.
    """

    def __init__(self, tree: StackTree, looks: set[tuple[str, bool, bool]]) -> None:
        self._tree = tree
        self._events: Counter[str] = Counter()
        self._known: Counter[str] = Counter()
        self.loader_is_nameless = NAMELESS_LOADER in looks
        programs = looks - {NAMELESS_LOADER}
        self._named = {path for path, has_name, _ in programs if has_name}
        self._nameless = {path for path, has_name, _ in programs if not has_name}
        self._lined = {path for path, _, has_lines in programs if has_lines}
        self._lineless: set[str] = set()

    def add(self, group: Group) -> None:
        if group.is_counted:
            who = measure.origin(group)
            self._events[who] += group.count
            self._known[who] += group.count if measure.purpose(group) is not None else 0

    def look_at_lines(
        self, groups: GroupTable, deciders: Sequence[int], holds: Sequence[bool]
    ) -> None:
        """Of groups the frames that decided; `holds`: by their whats, whether they count."""
        is_users = [verdict is not None and verdict.origin == "user" for verdict in groups.verdicts]
        rows = zip(groups.what, groups.verdict, groups.within, groups.stack, deciders)
        found = {
            frame
            for what, verdict, within, stack, frame in rows
            if is_users[verdict] and not within and stack and holds[what]
        }
        for number in found - {-1}:
            self._look_at_line(self._tree.frames[number])

    def _look_at_line(self, frame: Frame) -> None:
        if frame.role == "executable" and frame.function:
            (self._lined if frame.line else self._lineless).add(frame.path)

    def programs(self) -> set[str]:
        """Paths of all that were met."""
        return self._nameless | self._named

    def stripped(self) -> list[str]:
        """Programs of which no function at all has a name: one without is no proof."""
        return sorted(self._nameless - self._named)

    def lineless(self) -> list[str]:
        """Programs that made calls of the user's, and of which no line at all is known."""
        return sorted(self._lineless - self._lined)

    def figures(self) -> dict[str, Any]:
        """Events with a known purpose; `share` is of the loader's and the runtimes' together."""
        machinery = self._events["loader"] + self._events["runtime"]
        known = self._known["loader"] + self._known["runtime"]
        rows = {
            who: {"events": n, "known": self._known[who]} for who, n in sorted(self._events.items())
        }
        share = round(known / machinery, 4) if machinery else None
        return {"events": machinery, "known": known, "share": share, "by_origin": rows}


def unseen(run: dict[str, Any], hooked: bool) -> list[dict[str, Any]]:
    """Why counts may be too small: [{kind, why, count}]; [] where everything was seen.

    The one place that knows: the verdict, every form of the report and `seen_everything` rest on
    it. An engine adds a reason by an information record `unseen` (architecture.md).
    """
    rows = [
        {"kind": row["kind"], "why": row["why"], "count": None} for row in run.get("unseen") or ()
    ]
    children, lost = _count(run.get("children_not_followed")), run.get("events_lost") or 0
    programs = run.get("programs_not_seen") or 0
    if lost:
        rows.append({"kind": "lost", "why": "events were lost", "count": lost})
    if not run.get("complete") and not (lost or programs):
        why = run.get("incomplete_because") or "the recording ended before the program did"
        rows.append({"kind": "incomplete", "why": why, "count": None})
    if programs:
        rows.append({"kind": "programs", "why": _PROGRAMS, "count": programs})
    if children:
        rows.append({"kind": "children", "why": _CHILDREN, "count": children})
    if not hooked:
        rows.append({"kind": "calls", "why": _NO_CALLS, "count": None})
    return rows


_CHILDREN = "what child processes did: they ran free and were not followed"
_PROGRAMS = "whole programs were not recorded"
_MADE_CODE = (
    "system calls of code made at run time",
    "memory syscalls that code makes which the program itself made at run time (a compiler's):"
    " what they mapped, and was still there at the end, would be reported at the top",
)
_NO_CALLS = "calls of allocator functions could not be seen, only memory syscalls"


class OfCache:
    """Counts frees of blocks that the program had freed before: no end of an unknown block."""

    def __init__(self) -> None:
        self.frees = 0

    def add(self, group: Group) -> None:
        if group.is_call and measure.is_of_cache(group):
            self.frees += group.count


def unknown_ends(run: dict[str, Any], of_cache: OfCache) -> int:
    """How many blocks ended or were moved that nobody saw allocated."""
    return max(0, _count(run.get("unknown_ends", 0)) - of_cache.frees)


def not_seen(
    run: dict[str, Any], cuts: dict[Any, Any], hooked: bool, ends: int = 0
) -> list[dict[str, Any]]:
    """What was not seen: [{kind, what, names, why, count}], counted things first.

    `cuts`: {reason: number of stacks}; `hooked`: whether calls could be seen; `ends`: of blocks
    that were not seen allocated.
    """
    rows = []
    children = _count(run.get("children_not_followed"))
    if children:
        rows.append(
            _row(
                "children",
                _CHILDREN,
                children,
                "child process not followed",
                "child processes not followed",
            )
        )
    rows += _not_recorded(run)
    rows += _before(run, ends)
    for reason in () if hooked else run.get("unhooked") or ():
        rows.append(_row("calls", str(reason), None, "call", "calls"))
    if run.get("made_code"):
        rows.append(_row("made", _MADE_CODE[1], None, _MADE_CODE[0], _MADE_CODE[0]))
    for reason, count in sorted(cuts.items()):
        why = "the outer frames of stacks that were cut: %s" % reason
        rows.append(_row("cut", why, count, "stack cut short", "stacks cut short"))
    return rows + [_row(kind, why, None, what, what) for kind, what, why in ALWAYS_UNSEEN]


def _not_recorded(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Whole programs, by name and reason; those that are alike are one row."""
    told = [row for row in run.get("unfollowed") or () if isinstance(row, dict)]
    alike = Counter((_text_of(row, "program"), _text_of(row, "reason")) for row in told)
    rows = []
    for (program, reason), count in sorted(alike.items()):
        why = "%s: %s" % (program or "a program whose name is not known", reason)
        rows.append(_row("programs", why, count, "program not seen", "programs not seen"))
    return rows


def _text_of(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _before(run: dict[str, Any], ends: int) -> list[dict[str, Any]]:
    if not run_facts.is_attached(run):
        return []
    why = (
        "what was allocated before brkpoint attached: when freed or moved it shows as an unknown"
        " block; live bytes, peaks and sums count from the attach"
    )
    one = "block freed or moved that was not seen allocated"
    many = "blocks freed or moved that were not seen allocated"
    if not ends:
        one = many = "what was allocated before the attach"
    return [_row("before", why, ends or None, one, many)]


def _row(kind: str, why: str, count: int | None, one: str, many: str) -> dict[str, Any]:
    return {"kind": kind, "what": many, "names": [one, many], "why": why, "count": count}


def _count(value: int | None) -> int:
    return value if isinstance(value, int) else len(value or ())


# Where a distribution's own programs lie: who runs them did not build them.
_PACKAGED = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/", "/snap/", "/nix/", "/gnu/")


def is_of_a_package(path: str) -> bool:
    """Whether a program is, by its path, a distribution's and not of who runs it."""
    return path.startswith(_PACKAGED) and not path.startswith("/usr/local/")


def _programs(understood: Understood, paths: list[str], one: str, many: str) -> str:
    """`the program is`; where there are several, by their names."""
    if len(understood.programs()) == 1:
        return "the program %s" % one
    names = sorted({os.path.basename(path) or "?" for path in paths})
    shown = names if len(names) <= MOST_NAMED else names[: MOST_NAMED - 1] + ["others"]
    text = shown[0] if len(shown) == 1 else "%s and %s" % (", ".join(shown[:-1]), shown[-1])
    return "%s %s" % (text, one if len(shown) == 1 else many)


def hints(understood: Understood, notes: Sequence[str] = ()) -> list[dict[str, str]]:
    """What more could be told with what: [{missing, gives, command}]. `notes`: of the trace."""
    rows = []
    if understood.loader_is_nameless:
        rows.append(
            {
                "missing": "its functions have no names here",
                "gives": "who in the dynamic loader asked, and what for",
                "command": "apt install libc6-dbg",
            }
        )
    own = [path for path in understood.stripped() if not is_of_a_package(path)]
    others = [path for path in understood.stripped() if is_of_a_package(path)]
    lineless = [path for path in understood.lineless() if not is_of_a_package(path)]
    if any(note.startswith("gdb cannot be run for symbols") for note in notes):
        lineless = []  # whether there are lines was not asked
    if others:
        rows.append(
            {
                "missing": "%s stripped" % _programs(understood, others, "is", "are"),
                "gives": "functions by name",
                "command": "install the debug symbols of the package (Debian: NAME-dbgsym)",
            }
        )
    if own:
        rows.append(
            {
                "missing": "%s stripped" % _programs(understood, own, "is", "are"),
                "gives": "your functions by name",
                "command": "link without -s, and do not strip",
            }
        )
    elif lineless:
        which = _programs(understood, lineless, "has", "have")
        rows.append(
            {
                "missing": "%s no line numbers" % which,
                "gives": "the file and line of each call of yours",
                "command": "compile with -g",
            }
        )
    return rows
