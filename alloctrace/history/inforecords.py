"""The spool's information records: run, images, modules, hooks, phases, end …

docs/architecture.md, "What Info records exist". What is missing or absurd becomes a default or
a count in `unmatched`; never an error.
"""

from __future__ import annotations

from alloctrace import fields, words
from alloctrace.model import Border, Hook, Module
from . import calls, regions, thread_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from .blocks import Blocks
    from .history import History
    from .packed import Builder
    from typing import Any

    from alloctrace.spool.spool import Info

# What a real run never reaches; a hostile spool is cut here, and it is said.
MAX_LISTED = 20000
MAX_COMPARED = 100  # so many of the last are looked through for the same


class InfoRecords:
    """The part of history's builder that takes information records, one method a type."""

    history: History
    blocks: Blocks
    recorder: Builder
    unmatched: Counter[str]
    _threads: dict[int, calls.Thread]
    _shapes: dict[int, Callable[..., calls.Shape]]
    _modules: dict[int, Module]
    _regions: regions.Regions
    _bordered: dict[int, int]
    _start: int | None
    _break: int | None
    _image: int
    _pid: int
    _phase: str

    if TYPE_CHECKING:

        def _since_start(self, t_ns: int) -> int:
            ...

    def info(self, record: Info) -> None:
        take = getattr(self, "_info_" + record.data["type"], None)
        if take is None:
            self.unmatched["information records of an unknown type"] += 1
        else:
            take(record.data)

    def _info_run(self, data: dict[str, Any]) -> None:
        self.history.run = {key: value for key, value in data.items() if key != "type"}
        self._pid = fields.number(data, "pid")
        self._start = fields.number(data, "started_ns", self._start)

    def _info_image(self, data: dict[str, Any]) -> None:
        image = fields.number(data, "index")
        if image != self._image and fields.number(data, "pid", self._pid) == self._pid:
            self._exec(image)
        self._list(self.history.images, self._timed(data))

    def _exec(self, image: int) -> None:
        """The memory of the old program is gone; its calls never return."""
        self._image = image
        self._phase = words.PHASES[0]
        self._break = None
        self._modules.clear()
        self._threads.clear()
        self._regions.exec(image)
        self.blocks.clear()

    def _info_module(self, data: dict[str, Any]) -> None:
        module = Module(
            id=fields.number(data, "id"),
            path=fields.text(data, "path"),
            base=fields.wrapped(data, "base"),
            start=fields.number(data, "start"),
            end=fields.number(data, "end"),
            build_id=fields.text(data, "build_id"),
            role=fields.text(data, "role", "library"),
            image=fields.number(data, "image", self._image),
            loaded_ns=self._since_start(fields.number(data, "loaded_ns", self._start or 0)),
            mtime_ns=fields.number(data, "mtime_ns"),
        )
        self._modules[module.id] = module
        self._list(self.history.modules, module)

    def _info_unmodule(self, data: dict[str, Any]) -> None:
        module = self._modules.pop(fields.number(data, "id", -1), None)
        if module is None:
            self.unmatched["unloaded modules never loaded"] += 1
        else:
            module.unloaded_ns = self._since_start(fields.number(data, "t_ns"))
            self._regions.unloads += 1

    def _info_hook(self, data: dict[str, Any]) -> None:
        name = fields.text(data, "name")
        hook = Hook(
            id=fields.number(data, "id"),
            module=fields.number(data, "module"),
            name=name,
            impl=fields.text(data, "impl", name),
            address=fields.number(data, "address"),
            arguments=tuple(fields.text(data, "arguments", words.SIGNATURES.get(name, "")).split()),
            returns_size=data.get("returns") == "size",
        )
        known = len(hook.arguments) <= 3 and set(hook.arguments) <= set(words.ARGUMENTS)
        if name not in words.SIGNATURES or not known:
            self.unmatched["hooks of an unknown entry point"] += 1
        elif len(self._shapes) < MAX_LISTED:
            self.history.hooks[hook.id] = hook
            self._shapes[hook.id] = calls.reader(hook.arguments)

    def _info_phase(self, data: dict[str, Any]) -> None:
        phase = fields.text(data, "phase")
        if phase not in words.PHASES:
            self.unmatched["unknown phases"] += 1
            return
        index = words.PHASES.index(phase)
        border = self._border(data, phase)
        if index <= self._bordered.get(border.image, -1):
            self.unmatched["phases that go back"] += 1
            return
        self._bordered[border.image] = index
        if border.image == self._image:
            self._phase = phase
            self._break = self._break if border.brk is None else border.brk
        self._list(self.history.borders, border)

    def _border(self, data: dict[str, Any], phase: str) -> Border:
        numbers = ("rss_bytes", "minor_faults", "major_faults", "mapped_bytes", "brk", "mappings")
        return Border(
            phase=phase,
            t_ns=self._since_start(fields.number(data, "t_ns")),
            how=fields.text(data, "how"),
            image=fields.number(data, "image", self._image),
            **{key: fields.number(data, key, None) for key in numbers},
        )

    def _info_main(self, data: dict[str, Any]) -> None:
        self._list(self.history.mains, {"image": self._image, **self._timed(data)})

    def _info_fork(self, data: dict[str, Any]) -> None:
        self._list(self.history.forks, self._timed(data))

    def _info_child(self, data: dict[str, Any]) -> None:
        self._list(self.history.children, self._timed(data))

    def _info_exit(self, data: dict[str, Any]) -> None:
        self._list(self.history.exits, self._timed(data))

    def _info_ended(self, data: dict[str, Any]) -> None:
        self._list(self.history.ends, self._timed(data))

    def _info_thread(self, data: dict[str, Any]) -> None:
        tid = fields.number(data, "tid")
        self._threads.pop(tid, None)  # the kernel re-uses numbers
        self._regions.forget(tid)
        if tid == self.history.run.get("pid"):
            return  # the first one: gdb finds it anew when another thread has called execve
        self._list(self.history.threads, self._timed(data))

    def _info_thread_name(self, data: dict[str, Any]) -> None:
        row: dict[str, Any] = {key: fields.number(data, key) for key in ("pid", "tid")}
        row["t_ns"] = self._since_start(fields.number(data, "t_ns"))
        row["name"] = thread_names.cut(fields.text(data, "name"))
        if len(self.history.thread_names) < MAX_LISTED:  # of others it is not known
            self.history.thread_names.append(row)

    def _info_signal(self, data: dict[str, Any]) -> None:
        self._list(self.history.signals, self._timed(data))

    def _info_memptr(self, data: dict[str, Any]) -> None:
        thread = self._threads.get(fields.number(data, "tid"))
        for call in reversed(thread.open if thread else ()):
            if call.event.name == "posix_memalign":
                call.memptr = fields.number(data, "value")
                return
        self.unmatched[words.UNMATCHED["memptrs_without_call"]] += 1

    def _info_region_begin(self, data: dict[str, Any]) -> None:
        t_ns = self._since_start(fields.number(data, "t_ns"))
        self._regions.begin(fields.number(data, "tid"), fields.number(data, "value"), t_ns)

    def _info_region_end(self, data: dict[str, Any]) -> None:
        self._regions.end(fields.number(data, "tid"))

    def _info_region(self, data: dict[str, Any]) -> None:
        """One that the history in C has made."""
        numbers = {key: fields.number(data, key) for key in ("id", "parent", "image", "name")}
        known = self.history.regions
        is_next = numbers["id"] == len(known) + 1 and numbers["parent"] <= len(known)
        if is_next and len(known) < regions.MOST:
            known.append(dict(numbers, t_ns=self._since_start(fields.number(data, "t_ns"))))
        else:
            self.unmatched["regions that are none"] += 1

    def _region_made(self, row: dict[str, int]) -> None:
        self.history.regions.append(row)

    def _regions_lost(self) -> None:
        self._info_unseen({"kind": "regions", "text": regions.LOST})

    def _info_note(self, data: dict[str, Any]) -> None:
        self._list(self.history.notes, fields.text(data, "text"))

    def _info_unseen(self, data: dict[str, Any]) -> None:
        """A note that weakens every count: something was there to see, and was not seen."""
        row = {"kind": fields.text(data, "kind"), "why": fields.text(data, "text")}
        if row not in self.history.unseen[-MAX_COMPARED:]:
            self._list(self.history.unseen, row)
            self._list(self.history.notes, row["why"])

    def _info_made_code(self, data: dict[str, Any]) -> None:
        self.history.made_code += fields.number(data, "bytes")

    def _info_lost(self, data: dict[str, Any]) -> None:
        count = fields.number(data, "count")
        self.history.lost += count
        reason = fields.text(data, "reason", "no reason given")
        what = "1 event" if count == 1 else "%d events" % count
        self._list(self.history.notes, "%s lost: %s" % (what, reason))

    def _info_unfollowed(self, data: dict[str, Any]) -> None:
        self._list(self.history.unfollowed, self._timed(data))

    def _info_cost(self, data: dict[str, Any]) -> None:
        self.history.cost = {key: value for key, value in data.items() if key != "type"}

    def _info_name(self, data: dict[str, Any]) -> None:
        self.recorder.name(data)

    def _info_sums(self, data: dict[str, Any]) -> None:
        self.recorder.ends(data)
        self.history.unknown_ends = fields.number(data, "unknown_ends", 0)

    def _info_unmatched(self, data: dict[str, Any]) -> None:
        self.unmatched[fields.text(data, "what")[:100]] += fields.number(data, "count")

    def _info_end(self, data: dict[str, Any]) -> None:
        self.history.end = self._timed(data)

    # small parts

    def _timed(self, data: dict[str, Any]) -> dict[str, Any]:
        """`data` without its type, its time counted from the first instruction."""
        copy = {key: value for key, value in data.items() if key != "type"}
        if "t_ns" in copy:
            copy["t_ns"] = self._since_start(fields.number(data, "t_ns"))
        return copy

    def _list(self, target: list[Any], value: Any) -> None:
        if len(target) < MAX_LISTED:
            target.append(value)
        else:
            self.unmatched["records beyond the limit of %d of a kind" % MAX_LISTED] += 1
