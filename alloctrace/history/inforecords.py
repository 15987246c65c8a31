"""The spool's information records: run, images, modules, hooks, phases, end …

docs/architecture.md, "What Info records exist". What is missing or absurd becomes a default or
a count in `unmatched`; never an error.
"""

from __future__ import annotations

from alloctrace import fields, words
from alloctrace.model import Border, Hook, Module
from . import calls, regions, thread_names

# What a real run never reaches; a hostile spool is cut here, and it is said.
MAX_LISTED = 20000
MAX_COMPARED = 100  # so many of the last are looked through for the same


class InfoRecords:
    """The part of history's builder that takes information records, one method a type."""

    def info(self, record):
        take = getattr(self, "_info_" + record.data["type"], None)
        if take is None:
            self.unmatched["information records of an unknown type"] += 1
        else:
            take(record.data)

    def _info_run(self, data):
        self.history.run = {key: value for key, value in data.items() if key != "type"}
        self._pid = fields.number(data, "pid")
        self._start = fields.number(data, "started_ns", self._start)

    def _info_image(self, data):
        image = fields.number(data, "index")
        if image != self._image and fields.number(data, "pid", self._pid) == self._pid:
            self._exec(image)
        self._list(self.history.images, self._timed(data))

    def _exec(self, image):
        """The memory of the old program is gone; its calls never return."""
        self._image = image
        self._phase = words.PHASES[0]
        self._break = None
        self._modules.clear()
        self._threads.clear()
        self._regions.exec(image)
        self.blocks.clear()

    def _info_module(self, data):
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
        )
        self._modules[module.id] = module
        self._list(self.history.modules, module)

    def _info_unmodule(self, data):
        module = self._modules.pop(fields.number(data, "id", -1), None)
        if module is None:
            self.unmatched["unloaded modules never loaded"] += 1
        else:
            module.unloaded_ns = self._since_start(fields.number(data, "t_ns"))
            self._regions.unloads += 1

    def _info_hook(self, data):
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

    def _info_phase(self, data):
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

    def _border(self, data, phase):
        numbers = ("rss_bytes", "minor_faults", "major_faults", "mapped_bytes", "brk", "mappings")
        return Border(
            phase=phase,
            t_ns=self._since_start(fields.number(data, "t_ns")),
            how=fields.text(data, "how"),
            image=fields.number(data, "image", self._image),
            **{key: fields.number(data, key, None) for key in numbers},
        )

    def _info_main(self, data):
        self._list(self.history.mains, {"image": self._image, **self._timed(data)})

    def _info_fork(self, data):
        self._list(self.history.forks, self._timed(data))

    def _info_child(self, data):
        self._list(self.history.children, self._timed(data))

    def _info_exit(self, data):
        self._list(self.history.exits, self._timed(data))

    def _info_ended(self, data):
        self._list(self.history.ends, self._timed(data))

    def _info_thread(self, data):
        tid = fields.number(data, "tid")
        self._threads.pop(tid, None)  # the kernel re-uses numbers
        self._regions.forget(tid)
        if tid == self.history.run.get("pid"):
            return  # the first one: gdb finds it anew when another thread has called execve
        self._list(self.history.threads, self._timed(data))

    def _info_thread_name(self, data):
        row = {key: fields.number(data, key) for key in ("pid", "tid")}
        row["t_ns"] = self._since_start(fields.number(data, "t_ns"))
        row["name"] = thread_names.cut(fields.text(data, "name"))
        if len(self.history.thread_names) < MAX_LISTED:  # of others it is not known
            self.history.thread_names.append(row)

    def _info_signal(self, data):
        self._list(self.history.signals, self._timed(data))

    def _info_memptr(self, data):
        thread = self._threads.get(fields.number(data, "tid"))
        for call in reversed(thread.open if thread else ()):
            if call.event.name == "posix_memalign":
                call.memptr = fields.number(data, "value")
                return
        self.unmatched[words.UNMATCHED["memptrs_without_call"]] += 1

    def _info_region_begin(self, data):
        t_ns = self._since_start(fields.number(data, "t_ns"))
        self._regions.begin(fields.number(data, "tid"), fields.number(data, "value"), t_ns)

    def _info_region_end(self, data):
        self._regions.end(fields.number(data, "tid"))

    def _info_region(self, data):
        """One that the history in C has made."""
        numbers = {key: fields.number(data, key) for key in ("id", "parent", "image", "name")}
        known = self.history.regions
        is_next = numbers["id"] == len(known) + 1 and numbers["parent"] <= len(known)
        if is_next and len(known) < regions.MOST:
            known.append(dict(numbers, t_ns=self._since_start(fields.number(data, "t_ns"))))
        else:
            self.unmatched["regions that are none"] += 1

    def _region_made(self, row):
        self.history.regions.append(row)

    def _regions_lost(self):
        self._info_unseen({"kind": "regions", "text": regions.LOST})

    def _info_note(self, data):
        self._list(self.history.notes, fields.text(data, "text"))

    def _info_unseen(self, data):
        """A note that weakens every count: something was there to see, and was not seen."""
        row = {"kind": fields.text(data, "kind"), "why": fields.text(data, "text")}
        if row not in self.history.unseen[-MAX_COMPARED:]:
            self._list(self.history.unseen, row)
            self._list(self.history.notes, row["why"])

    def _info_made_code(self, data):
        self.history.made_code += fields.number(data, "bytes")

    def _info_lost(self, data):
        count = fields.number(data, "count")
        self.history.lost += count
        reason = fields.text(data, "reason", "no reason given")
        what = "1 event" if count == 1 else "%d events" % count
        self._list(self.history.notes, "%s lost: %s" % (what, reason))

    def _info_unfollowed(self, data):
        self._list(self.history.unfollowed, self._timed(data))

    def _info_cost(self, data):
        self.history.cost = {key: value for key, value in data.items() if key != "type"}

    def _info_name(self, data):
        self.recorder.name(data)

    def _info_sums(self, data):
        self.recorder.ends(data)
        self.history.unknown_ends = fields.number(data, "unknown_ends", 0)

    def _info_unmatched(self, data):
        self.unmatched[fields.text(data, "what")[:100]] += fields.number(data, "count")

    def _info_end(self, data):
        self.history.end = self._timed(data)

    # small parts

    def _timed(self, data):
        """`data` without its type, its time counted from the first instruction."""
        copy = {key: value for key, value in data.items() if key != "type"}
        if "t_ns" in copy:
            copy["t_ns"] = self._since_start(fields.number(data, "t_ns"))
        return copy

    def _list(self, target, value):
        if len(target) < MAX_LISTED:
            target.append(value)
        else:
            self.unmatched["records beyond the limit of %d of a kind" % MAX_LISTED] += 1
