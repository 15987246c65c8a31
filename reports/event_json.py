"""Events as JSON lines, for scripts: docs/schema/events.json is the contract."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from alloctrace.model import Event, Frame, Purpose, Verdict
    from alloctrace.trace.read import Trace

SCHEMA = 1
CLOCK = "CLOCK_MONOTONIC, nanoseconds since the first instruction"
STACKS = ("full", "ids", "none")
_MOST_KEPT = 1 << 25  # characters of texts that many events share
_OWN = (
    '{"seq":%d,"t_ns":%d,"dur_ns":%s,"pid":%d,"tid":%d,%s,"size":%s,"nmemb":%s,"align":%s,"ptr":%s,'
    '"result":%s,"errno":%s,"args":%s,"block":%s,%s,"cause":%s,"outer":%s%s}\n'
)


def lines(trace: Trace, events: Iterable[Event], stacks: str = "full") -> Iterator[str]:
    """Yield the header line and then one line an event; lines end with a newline."""
    yield _line(header(trace.run))
    told, shared = {0}, _Shared(trace, stacks)
    for event in events:
        if stacks == "ids" and event.stack not in told:
            told.add(event.stack)
            yield _line(_stack(trace, event.stack))
        yield shared.line(event)


class _Shared:
    """Lines of events; what many events share is made into text once."""

    def __init__(self, trace: Trace, stacks: str) -> None:
        self._trace, self._stacks = trace, stacks
        self._kept = 0
        self._texts: dict[
            int | tuple[int | str | None, ...],
            tuple[str, tuple[tuple[Verdict | None, Purpose | None], ...]],
        ] = {}  # key -> (text, what the key is the identity of)

    def line(self, event: Event) -> str:
        said = event.verdict, event.purpose
        numbers = event.size, event.nmemb, event.align
        addresses = map(address, (event.ptr, event.result))
        return _OWN % (
            *(event.seq, event.t_ns, _number(event.dur_ns), event.pid, event.tid),
            self._text((event.kind, event.name, event.impl), _named),
            *map(_number, numbers),
            *("null" if value is None else '"%s"' % value for value in addresses),
            _number(event.errno),
            _json(event.args) if event.args else "{}",
            _number(event.block),
            self._text((event.phase, event.image, *map(id, said)), _judged, said),
            *(_number(event.cause), _number(event.outer)),
            "," + self._text(event.stack, self._stack) if self._stacks != "none" else "",
        )

    def _text(
        self,
        key: int | tuple[int | str | None, ...],
        make: Callable[..., dict[str, Any]],
        *more: tuple[Verdict | None, Purpose | None],
    ) -> str:
        """What `make` of the key says, without its braces."""
        known = self._texts.get(key)
        if known is None:
            text = _json(make(key, *more))[1:-1]
            self._kept += len(text)
            if self._kept > _MOST_KEPT:
                self._texts.clear()
                self._kept = len(text)
            known = self._texts[key] = text, more
        return known[0]

    def _stack(self, id_: int) -> dict[str, Any]:
        return _stack_fields(self._trace, id_, self._stacks)


def _number(value: int | None) -> str:
    return "null" if value is None else "%d" % value


def _named(key: tuple[str, str, str | None]) -> dict[str, str | None]:
    return dict(zip(("kind", "name", "impl"), key))


def _judged(
    key: tuple[str, int, int, int], said: tuple[Verdict | None, Purpose | None]
) -> dict[str, Any]:
    verdict, purpose = said
    made = {"phase": key[0], "image": key[1], **_verdict(verdict)}
    return dict(made, purpose=purpose.text if purpose else None)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))


def _line(data: dict[str, Any]) -> str:
    return _json(data) + "\n"


def header(run: dict[str, Any]) -> dict[str, Any]:
    """What was run; the trace's own word on whether it is complete comes with it."""
    ended = run.get("exit") or {}
    return {
        "kind": "header",
        "schema": SCHEMA,
        "program": run.get("program") or "",
        "command": list(run.get("command") or ()),
        "clock": CLOCK,
        "engine": run.get("engine") or "",
        "complete": bool(run.get("complete")),
        "events_lost": run.get("events_lost") or 0,
        "programs_not_seen": run.get("programs_not_seen") or 0,
        "exit": {"kind": ended.get("kind") or "unknown", "status": ended.get("status")},
        "date": run.get("date"),
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        nothing = ("owner", "decided_by", "rule", "confidence", "for_whom")
        return dict(_UNKNOWN, **dict.fromkeys(nothing))
    return {
        "origin": verdict.origin,
        "owner": verdict.owner,
        "via": list(verdict.via),
        "direct": verdict.direct,
        "decided_by": verdict.decided_by,
        "rule": verdict.rule,
        "confidence": verdict.confidence,
        "for_whom": verdict.for_whom,
    }


_UNKNOWN = {"origin": "unknown", "via": [], "direct": False}


def _stack_fields(trace: Trace, id_: int, stacks: str) -> dict[str, Any]:
    if stacks == "ids":
        return {"stack": id_ or None}
    if stacks == "none":
        return {}
    return {"stack": frames(trace.stack(id_)), "stack_cut": trace.cut(id_)}


def _stack(trace: Trace, id_: int) -> dict[str, Any]:
    found = {"kind": "stack", "id": id_, "cut": trace.cut(id_)}
    return dict(found, frames=frames(trace.stack(id_)))


def frames(stack: tuple[Frame, ...]) -> list[dict[str, Any]]:
    return [
        {
            "pc": address(frame.pc),
            "function": frame.function,
            "file": frame.file,
            "line": frame.line,
            "module": frame.module or None,
            "offset": address(frame.offset),
            "inlined": frame.inlined,
        }
        for frame in stack
    ]


def address(value: int | None) -> str | None:
    return None if value is None else hex(value)
