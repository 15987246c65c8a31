"""What each process of a run did: a program and the children that were followed."""

from __future__ import annotations

from alloctrace import fields


class Processes:
    """Adds up groups by process."""

    def __init__(self):
        self._rows = {}
        self._images = {}  # pid -> the last program it was, by its number

    def add(self, group):
        row = self._row(group.pid)
        self._images[group.pid] = max(self._images.get(group.pid, 0), group.image)
        row["calls"] += group.count if group.is_call else 0
        row["syscalls"] += group.count if group.kind == "syscall" else 0
        row["allocated_bytes"] += group.allocated
        row["live_blocks"] += group.live_blocks
        row["live_bytes"] += group.live_bytes

    def _row(self, pid):
        names = ("calls", "syscalls", "allocated_bytes", "live_blocks", "live_bytes")
        return self._rows.setdefault(pid, dict.fromkeys(names, 0))

    def rows(self, run):
        """The first process first, then as they began. `parent`: None where it is not known."""
        parents, first = {}, fields.number(run, "pid", None)
        for child in run.get("children") or ():
            pid = fields.number(child, "pid", None) if isinstance(child, dict) else None
            if pid is not None:
                parents[pid] = fields.number(child, "parent", None)
                self._row(pid)
        order = {pid: at for at, pid in enumerate([first, *parents])}
        pids = sorted(self._rows, key=lambda pid: (order.get(pid, len(order)), pid))
        return [
            {"pid": pid, "parent": parents.get(pid), "program": self._program(pid, run, parents)}
            | self._rows[pid]
            for pid in pids
        ]

    def _program(self, pid, run, parents):
        """Its last program; of a child that ran nothing of its own its parent's. None: unknown."""
        paths = {}
        for image in run.get("images") or ():
            if isinstance(image, dict):
                paths.setdefault(
                    fields.number(image, "index", None), fields.text(image, "path", None)
                )
        for _ in range(len(parents) + 1):
            if pid in self._images:
                return paths.get(self._images[pid])
            pid = parents.get(pid)
        return None
