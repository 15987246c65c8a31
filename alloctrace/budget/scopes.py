"""What a run did within the scope of a rule: one number a metric, and the places behind it."""

from __future__ import annotations

from array import array

from alloctrace import measure
from alloctrace.compare import fairness
from alloctrace.compare.chains import MAINS
from alloctrace.compare.entries import MOST_VIA
from alloctrace.history import groups, regions, thread_names
from alloctrace.summary import chosen, lives, processes
from alloctrace.symbols import function_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from typing import Any

    from alloctrace.budget.language import Rule
    from alloctrace.model import Frame, Group
    from alloctrace.summary.chosen import Chosen
    from alloctrace.trace.read import Trace

_ITS_OWN = object()  # of a rule
_OF_CALLS = {"calls": "count", "bytes": "bytes", "reached": "reached"}
_OF_ALL = {"live": "live_blocks", "live-bytes": "live_bytes", "temporary": "temporary_blocks"}
_OF_ALL["peak"] = "peak_bytes"


class Unanswered(LookupError):
    """The run has no answer to what a rule asks. One line, for people, not escaped."""


class Run:
    """A trace, asked by rules. The groups are read once."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.run = trace, trace.run
        self.groups = list(trace.sums().groups)
        self._tree = trace.tree
        self._nodes = self._tree.nodes(trace.sums().groups.stack)
        self._processes = lives.of_run(trace.run, self.groups)
        self._regions = regions.of_run(trace.run)
        self._names = thread_names.ThreadNames(trace.run)
        self._threads: list[tuple[str | None, int, Group]] | None = None
        self._chosen: dict[str | None, Chosen] = {}
        self._beneath: dict[str, array[int]] = {}

    @property
    def weak(self) -> list[str]:
        """Why its counts may be too small; [] where everything was seen."""
        return fairness.weak(self.trace)

    @property
    def ended(self) -> tuple[str, int | None]:
        """(kind, status) of the program."""
        return fairness.ended(self.trace)

    def libc(self) -> tuple[str | None, str | None]:
        """(`glibc` or `musl`, version or None); (None, None) where none was loaded."""
        name, _ = fairness.libc(self.trace)
        if name != "glibc":
            return name, None
        version = str((self.run.get("versions") or {}).get("libc") or "").split(" ")
        return name, version[1] if len(version) > 1 and version[0] == "glibc" else None

    def value(self, rule: Rule) -> int:
        """The number that `rule` limits; raises Unanswered."""
        if rule.metric == "peak":
            about = self._about(rule.program)
            parts = rule.owner, rule.function, rule.region, rule.purpose, rule.thread
            if not any(parts):
                return self._peak(rule.origin, about)
            if about.others:
                raise Unanswered("the part of one place in a peak is known where one program ran")
        return sum(_amount(group, rule.metric) for _, group in self._within(rule))

    def _peak(self, origin: str, about: Chosen) -> int:
        """The most that was live in the program, of several that of the largest; or the part of it
        that `origin` held."""
        if _is_alone(about):
            held: int = sum(g.peak_bytes for g in self.groups if measure.origin(g) == origin)
            whole = int(self.trace.sums().peak.get("bytes") or 0)
            return whole if origin == "any" else held
        _, largest = self._largest(about)
        return int(largest["bytes"] if origin == "any" else largest["by_origin"].get(origin, 0))

    def _largest(self, about: Chosen) -> tuple[tuple[int, int], dict[str, Any]]:
        """(key, own peak) of the program whose own peak is the largest; raises Unanswered."""
        whole = {"bytes": 0, "by_origin": {}, **self.trace.sums().peak}
        own = processes.peaks(self.run, processes.programs_of(self._processes), whole)
        rows = [(program.key, own[program.key]) for program in about.programs if program.key in own]
        if not rows:
            raise Unanswered("the trace does not know the peak of each program")
        return max(rows, key=lambda row: int(row[1]["bytes"]))

    def unknown(self, rule: Rule) -> int:
        """The same of events of unknown origin, which may be of the origin that is asked for."""
        if rule.origin in ("any", "unknown"):
            return 0
        return sum(_amount(group, rule.metric) for _, group in self._within(rule, "unknown"))

    def nameless(self, rule: Rule) -> int:
        """The same of events in regions whose names are not known, one of which may be the one."""
        if rule.region is None:
            return 0
        inside = regions.nameless(self._regions) - regions.within(self._regions, rule.region)
        return sum(_amount(group, rule.metric) for _, group in self._within(rule, inside=inside))

    def has_region(self, name: str) -> bool:
        """Whether a thread was in a region of that name; raises Unanswered where none can tell."""
        if self.run.get("mode") == "attached":
            raise Unanswered("which regions threads were in is not known of a run from its middle")
        return any(region.name == name for region in self._regions)

    def nobody(self, rule: Rule) -> int:
        """The same of events of threads whose names are not known, one of which may be the one."""
        if rule.thread is None:
            return 0
        return sum(_amount(group, rule.metric) for _, group in self._within(rule, thread=None))

    def has_thread(self, name: str) -> bool:
        return self._names.has(thread_names.cut(name))

    def meets(self, function: str) -> bool:
        """Whether the function is in a stack of the run."""
        return any(self._is(frame, function) for frame in self._tree.frames)

    def has_names(self) -> bool:
        """Whether the program's own functions have names."""
        return fairness.has_names(self._tree)

    def places(self, rule: Rule) -> list[dict[str, Any]]:
        """[{name, count, bytes, function, file, line, purpose, chain}] that the number is of, the
        largest first; `chain`: functions from the call outwards to main; `purpose`: None of the
        user's, whose places are lines of code whatever is done there. Raises Unanswered."""
        amount_of = self._amount_of(rule)
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for node, group in self._within(rule):
            amount = amount_of(group)
            if amount:
                row = self._place(node, group)
                key = tuple(row.values())[:5] + (row["chain"],)
                row = found.setdefault(key, row)
                row["count"] += group.count
                row["bytes"] += group.bytes
                row["amount"] += amount
        return sorted(found.values(), key=lambda row: -int(row["amount"]))

    def _amount_of(self, rule: Rule) -> Callable[[Group], int]:
        """A function of a group: its part of the number. Of a program that was not alone, its part
        of that program's own peak."""
        about = self._about(rule.program)
        if rule.metric != "peak" or _is_alone(about):
            return lambda group: _amount(group, rule.metric)
        key, _ = self._largest(about)
        return chosen.at_peak_of(key)

    def _place(self, node: int, group: Group) -> dict[str, Any]:
        stack = list(self._tree.outwards(node))
        frame = measure.deciding_frame(group, stack)
        return {
            "name": group.name,
            "function": frame.function if frame else None,
            "file": frame.file if frame else None,
            "line": frame.line if frame else None,
            "purpose": None if measure.origin(group) == "user" else measure.purpose(group),
            "chain": tuple(_chain(stack)),
            "count": 0,
            "bytes": 0,
            "amount": 0,
        }

    def _within(
        self,
        rule: Rule,
        origin: str | None = None,
        inside: Container[int] | None = None,
        thread: object = _ITS_OWN,
    ) -> Iterator[tuple[int, Group]]:
        """Yield (node, group) of the groups that the rule is about; or those of another origin,
        inside other regions, or of threads of another name."""
        about = self._about(rule.program)
        if inside is None and rule.region is not None:
            inside = regions.within(self._regions, rule.region)
        beneath = self._beneath_function(rule.function) if rule.function else None
        wanted = origin or rule.origin
        for node, group in self._of_thread(rule, thread):
            if rule.phase not in ("all", group.phase) or not about.holds(group):
                continue
            if wanted not in ("any", measure.origin(group)):
                continue
            if (
                rule.owner
                and origin is None
                and (not group.verdict or group.verdict.owner != rule.owner)
            ):
                continue
            if beneath is not None and not (node > 0 and beneath[node]):
                continue
            if inside is not None and group.region not in inside:
                continue
            if rule.purpose and rule.purpose not in (measure.purpose(group) or ""):
                continue
            yield node, group

    def _of_thread(self, rule: Rule, thread: object) -> Iterable[tuple[int, Group]]:
        """(node, group) of all groups, or of what threads of one name did."""
        if rule.thread is None:
            return zip(self._nodes, self.groups)
        wanted = thread_names.cut(rule.thread) if thread is _ITS_OWN else thread
        return [(node, group) for name, node, group in self._by_thread() if name == wanted]

    def _by_thread(self) -> list[tuple[str | None, int, Group]]:
        """[(name of the thread, node, group)]: each event is looked at, once."""
        if self._threads is None:
            if not self.trace.keeps_events:
                raise Unanswered("which thread did it is not known: its events were not kept")
            self._threads = list(self._split())
        return self._threads

    def _split(self) -> Iterator[tuple[str | None, int, Group]]:
        names = self._of_one_name()
        if names is not None:
            return zip(names, self._nodes, self.groups)
        return self._made_anew()

    def _of_one_name(self) -> list[str | None] | None:
        """Of each group the name of the threads that all its events are of: what was counted holds
        then. None: there is a group of several names."""
        found: list[set[str | None]] = [set() for _ in self.groups]
        seen: set[tuple[int, int]] = set()
        for _, (_, ids, tids) in self.trace.chunk_columns(["present", "group", "tid"]):
            for id_, tid in set(zip(ids, tids)) - seen:
                seen.add((id_, tid))
                found[id_ - 1] |= self._names.lasting(self.groups[id_ - 1].pid, tid)
                if len(found[id_ - 1]) > 1:
                    return None
        return [next(iter(names), None) for names in found]

    def _made_anew(self) -> Iterator[tuple[str | None, int, Group]]:
        """Groups whose region stands for the thread's name as well, while they are made."""
        gather = groups.Gather()
        numbers: dict[tuple[str | None, int], int] = {}
        for event in self.trace.events():
            what = self._names.of(event), event.region
            event.region = numbers.setdefault(what, len(numbers))
            gather.add(event)
        whats, found = list(numbers), list(gather.finish().groups)
        nodes = self._tree.nodes(array("q", [group.stack for group in found]))
        for node, group in zip(nodes, found):
            name, group.region = whats[group.region]
            yield name, node, group

    def _about(self, program: str | None) -> Chosen:
        """The program that was asked for, or those of that name."""
        if program not in self._chosen:
            try:
                wanted = chosen.ASKED if program is None else program
                self._chosen[program] = chosen.choose(self._processes, wanted)
            except chosen.NoSuchProcess as error:
                raise Unanswered(str(error)) from None
        return self._chosen[program]

    def _beneath_function(self, function: str) -> array[int]:
        """By node: whether the function is in its stack."""
        if function not in self._beneath:
            tree = self._tree
            is_it = [self._is(frame, function) for frame in tree.frames]
            found = array("b", [0])
            for node, parent in enumerate(tree.parents):
                if node:
                    found.append(is_it[tree.frame_of[node]] or (parent > 0 and found[parent]))
            self._beneath[function] = found
        return self._beneath[function]

    @staticmethod
    def _is(frame: Frame, function: str) -> bool:
        """By its whole name, or the last parts of its path: `parse::line` of `a::parse::line`."""
        plain = function_names.plain(frame.function) or ""
        return plain == function or plain.endswith("::" + function) or frame.function == function


def _is_alone(about: Chosen) -> bool:
    """Whether the run was of one program: its peak is the run's."""
    return not about.others and about.one is not None


def _amount(group: Group, metric: str) -> int:
    if metric == "syscalls":
        return group.count if group.kind == "syscall" else 0
    if metric in _OF_CALLS:
        return int(getattr(group, _OF_CALLS[metric])) if group.is_call else 0
    return int(getattr(group, _OF_ALL[metric]))


def _unnamed(frame: Frame) -> str:
    """Code without a name: `a.out+0x1139`."""
    if not frame.module:
        return "?"
    return "%s+%#x" % (frame.module, frame.offset)


def _chain(stack: list[Frame]) -> Iterator[str]:
    """`parse_line parse.c:41` from behind the entry point to main."""
    for frame in stack[1 : MOST_VIA + 1]:
        place = (
            " %s:%d" % (frame.file.rsplit("/", 1)[-1], frame.line)
            if frame.file and frame.line
            else ""
        )
        yield (function_names.plain(frame.function) or _unnamed(frame)) + place
        if frame.known in MAINS or frame.function == "main":
            return
