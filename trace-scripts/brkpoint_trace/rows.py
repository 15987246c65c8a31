"""The table of a cross-check: one row an event, and who saw it."""

from __future__ import annotations


def as_dict(event):
    """What a page needs of an event; `task` counts threads from 0."""
    return {
        "kind": event.kind,
        "name": event.name,
        "impl": event.impl,
        "task": event.task,
        "image": event.image,
        "size": event.size,
        "nmemb": event.nmemb,
        "new_size": event.args.get("new_size"),
        "errno": event.errno,
        "ptr": event.ptr,
        "result": event.result,
        "phase": event.phase,
        "origin": event.origin,
        "purpose": event.purpose,
        "seq": event.seq,
    }


class Rows:
    """One row for each event that anybody saw, in gdb's order."""

    def __init__(self, gdb):
        events = gdb["events"] if gdb else ()
        self.by_gdb = [{"event": e, "seen": {"gdb": "yes"}, "codes": set()} for e in events]
        self.addresses = {}  # witness: (results equal to gdb's, of how many)
        self.after = {}  # index of a row of gdb's, -1 for the beginning: rows that gdb has not

    def only(self, name, events):
        for event in events:
            self._put(-1, {"event": event, "seen": {name: "yes"}, "codes": set()})

    def mark(self, name, pairs, found, places, theirs):
        """Enter what `name` saw; `places`: which of gdb's events the pairs' first indices are."""
        codes = {("first", d.first): d.code for d in found if d.first is not None}
        codes.update({("second", d.second): d.code for d in found if d.second is not None})
        last = -1
        for first, second in pairs:
            if first is None:
                row = {"event": theirs[second], "seen": {name: "yes", "gdb": "no"}, "codes": set()}
                self._put(last, row)
                self._code(row, codes.get(("second", second)))
                continue
            last = places[first]
            row = self.by_gdb[last]
            row["seen"][name] = "yes" if second is not None else "no"
            if second is None:
                self._code(row, codes.get(("first", first)))

    def _put(self, place, row):
        self.after.setdefault(place, []).append(row)

    @staticmethod
    def _code(row, code):
        row["codes"].add(code or "unexplained")

    def at(self, kind):
        """The rows of gdb's events of one kind, in order."""
        return [row for row in self.by_gdb if row["event"].kind == kind]

    def as_dicts(self):
        rows = list(self.after.get(-1, ()))
        for index, row in enumerate(self.by_gdb):
            rows += [row, *self.after.get(index, ())]
        return [
            dict(as_dict(row["event"]), seen=row["seen"], codes=sorted(row["codes"]))
            for row in rows
        ]
