"""What a lesson measures, of each of its runs: by the scopes of budgets, SQL, and sums of both."""

from __future__ import annotations

import re

from alloctrace.budget import scopes
from alloctrace.trace import sql, trace
from course import tools
from course.expressions import Expression, ExpressionError
from course.reading import AFTER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from alloctrace.trace.read import Trace
    from course.lesson import Lesson, Value

_ADDRESS = re.compile(r"0x[0-9a-f]{1,16}\Z")
_LONG_S = 60  # for one query


class Unmeasured(LookupError):
    """A value that cannot be had here. One line, for people."""


class Missing(Unmeasured):
    """A tool that is not on this machine, or the program itself."""


class Broken(Unmeasured):
    """The lesson itself is at fault, not this machine."""


class OfRun:
    """The values of one trace; each is measured when it is first asked for."""

    def __init__(self, path: str, definitions: Mapping[str, Value]) -> None:
        self.path, self._definitions = path, definitions
        self._values: dict[str, Any] = {}
        self._trace: Trace | None = None
        self._scopes: scopes.Run | None = None
        self._asking: set[str] = set()  # values that are being measured
        self.summary: dict[str, Any] | None = None  # see showing.summary

    @property
    def trace(self) -> Trace:
        if self._trace is None:
            try:
                self._trace = trace.open(self.path)
            except trace.TraceError as error:
                raise Unmeasured(str(error)) from None
        return self._trace

    def close(self) -> None:
        if self._trace is not None:
            self._trace.close()
        self._trace = self._scopes = None

    def value(self, name: str) -> Any:
        """Raises Unmeasured, also where a query finds nothing: no text is filled with that."""
        if name in self._asking:
            raise Broken("%s is measured by itself" % name)
        if name not in self._values:
            self._asking.add(name)
            try:
                self._values[name] = self._measure(self._definitions[name])
            except ExpressionError as error:
                raise Unmeasured("%s: %s" % (name, error)) from None
            finally:
                self._asking.discard(name)
        if self._values[name] is None:
            raise Unmeasured("this run has no %s" % name)
        return self._values[name]

    def _measure(self, value: Value) -> Any:
        if value.kind == "sum":
            return value.what.value(self.value)
        if value.kind == "scope":
            if self._scopes is None:
                self._scopes = scopes.Run(self.trace)
            try:
                return self._scopes.value(value.what)
            except scopes.Unanswered as error:
                raise Unmeasured(str(error)) from None
        if value.kind == "tool":
            return self.of_tool(tools.value, *value.what)
        found = [_number(row[0]) for row in self.rows(value.what)]
        return found if value.kind == "list" else found[0] if found else None

    def of_tool(self, what: Callable[..., Any], *words: Any) -> Any:
        """`what` of tools, of this run's program; raises Missing."""
        try:
            return what(*words, self.trace)
        except tools.Lacking as error:
            raise Missing(str(error)) from None

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """What a query answers; raises Unmeasured."""
        try:
            with sql.Query(self.trace, _LONG_S) as query:
                return list(query.run(text)[1])
        except sql.QueryError as error:
            raise Unmeasured("%s: %s" % (text, error)) from None


def _number(value: Any) -> Any:
    """Addresses are text in SQL: here they are numbers."""
    return int(value, 16) if isinstance(value, str) and _ADDRESS.match(value) else value


class Measured:
    """The values of all runs of a lesson. `run_of(name)` gives the path of a run's trace, or
    raises Unmeasured."""

    def __init__(self, lesson: Lesson, run_of: Callable[[str], str]) -> None:
        self.lesson, self._run_of = lesson, run_of
        self._runs: dict[str, OfRun] = {}
        self.after: str | None = None  # the name of the run that `after` stands for

    def __enter__(self) -> Measured:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for run in self._runs.values():
            run.close()
        self._runs = {}

    def forget(self, name: str) -> None:
        """The run will be another one."""
        if name in self._runs:
            self._runs.pop(name).close()

    def name_of(self, run: str) -> str:
        """The name of a run, that of the change at hand for `after`."""
        if run != AFTER:
            return run
        if self.after is None:
            raise Broken("nothing is changed here, and there is no run after it")
        return self.after

    def run(self, name: str) -> OfRun:
        name = self.name_of(name)
        if name not in self._runs:
            self._runs[name] = OfRun(self._run_of(name), self.lesson.values)
        return self._runs[name]

    def lookup(self, name: str) -> Any:
        """Of `calls` that of the first program; of `asm.calls` that of `asm`."""
        run, _, own = name.rpartition(".")
        return self.run(run or self.lesson.first.name).value(own)

    def value(self, expression: Expression | str) -> Any:
        """Of an Expression or its text; raises Unmeasured."""
        if isinstance(expression, str):
            expression = Expression(expression)
        try:
            return expression.value(self.lookup)
        except ExpressionError as error:
            raise Unmeasured(str(error)) from None

    def holds(self, expression: Expression | str) -> bool:
        return bool(self.value(expression))
