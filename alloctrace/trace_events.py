"""Column chunks -> events. Raises plain errors and TraceError; trace_check.checked names them."""

from __future__ import annotations


from . import columns, fields, words
from .model import Event, Purpose, Verdict
from .trace_check import TraceError
from .trace_schema import PRESENT, SIGNED_SIZE


class Events:
    """The tables that events point into."""

    def __init__(self, table):
        self._names = {row[0]: row[1:] for row in table("names")}
        self._args = {row[0]: row[1] for row in table("arguments")}
        self._verdicts = {row[0]: _verdict(row[1:]) for row in table("verdicts")}
        self._purposes = {row[0]: Purpose(*row[1:]) for row in table("purposes")}
        self._verdicts[0] = self._purposes[0] = None

    def of(self, first, chunk):
        """Yield the events of a chunk, given as columns in the order of EVENT_COLUMNS."""
        for seq, row in enumerate(zip(*chunk), first):
            yield self._event(seq, row)

    def _event(self, seq, row):
        present, t_ns, pid, tid, name, *rest = row
        kind, name, impl = self._names[name]
        (dur_ns, size, nmemb, align, ptr, result, errno, args, block, phase, image) = rest[:11]
        cause, outer, stack, verdict, purpose = rest[11:]
        has = present.__and__
        if not present & SIGNED_SIZE:
            size &= columns.MASK64
        return Event(
            seq,
            t_ns,
            pid & columns.MASK64,
            tid,
            kind,
            name,
            impl,
            dur_ns if has(_DUR) else None,
            size if has(_SIZE) else None,
            nmemb & columns.MASK64 if has(_NMEMB) else None,
            align & columns.MASK64 if has(_ALIGN) else None,
            ptr & columns.MASK64 if has(_PTR) else None,
            result & columns.MASK64 if has(_RESULT) else None,
            errno if has(_ERRNO) else None,
            self._arguments(args) if args else {},
            block if has(_BLOCK) else None,
            _phase(phase),
            image & columns.MASK64,
            _earlier(seq, cause) if has(_CAUSE) else None,
            _earlier(seq, outer) if has(_OUTER) else None,
            stack,
            self._verdicts[verdict],
            self._purposes[purpose],
        )

    def _arguments(self, id_):
        value = fields.loads(self._args[id_])
        if not isinstance(value, dict):
            raise TraceError("damaged: arguments %d" % id_)
        return value


_DUR, _SIZE, _NMEMB, _ALIGN = (PRESENT[name] for name in ("dur_ns", "size", "nmemb", "align"))
_PTR, _RESULT, _ERRNO = (PRESENT[name] for name in ("ptr", "result", "errno"))
_BLOCK, _CAUSE, _OUTER = (PRESENT[name] for name in ("block", "cause", "outer"))


def _phase(index):
    if not 0 <= index < len(words.PHASES):
        raise TraceError("damaged: no phase %d" % index)
    return words.PHASES[index]


def _earlier(seq, distance):
    if not 0 < distance <= seq:
        raise TraceError("damaged: event %d points outside" % seq)
    return seq - distance


def _verdict(row):
    origin, owner, via, direct, decided_by, rule, confidence, for_whom = row
    if origin not in words.ORIGINS:
        raise TraceError("damaged: no origin %r" % (origin,))
    via = tuple(map(str, fields.loads(via)))
    return Verdict(origin, owner, via, bool(direct), decided_by, rule, confidence, for_whom)
