"""The language of budgets: one rule a line, the same in a file and on the command line.

    PHASE ORIGIN[:OWNER] [in FUNCTION] [in region NAME] [for "PURPOSE"] [thread NAME]
        [program NAME] METRIC = | <= NUMBER [UNIT] [+N%] [when LIBC [VERSION]]

and the lines `run PROGRAM ARG...`, `runs N`, `status N`. `#` begins a comment. Every mistake is a
BudgetError with line and column (both from 1) and what was expected.
"""

from __future__ import annotations

import re
import shlex
from fractions import Fraction

from alloctrace import words

from alloctrace.plain import fresh, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

PHASES = (*words.PHASES, "all")
ORIGINS = (*words.ORIGINS, "any")
COUNTS = ("calls", "live", "temporary", "reached", "syscalls")
BYTES = ("bytes", "peak", "live-bytes")
METRICS = COUNTS + BYTES
SCOPES = ("in", "for", "thread", "program")
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
LIBCS = ("glibc", "musl")
MAX = (1 << 63) - 1
MOST_RUNS = 100
MOST_DIGITS = 40  # of a number; Python turns no thousands of them into one
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|#.*|(<=|=)|((?:[^\s#="<]|<(?!=))+(?:"[^"]*")?|.)')
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)\Z")
_PERCENT = re.compile(r"\+(\d{1,4})%\Z")


class BudgetError(ValueError):
    """A mistake in a budget. `str()`: `FILE:LINE:COLUMN: what is wrong; what was expected`."""

    def __init__(self, source: str, line: int, column: int, message: str) -> None:
        super().__init__("%s:%d:%d: %s" % (source, line, column, message))
        self.line, self.column = line, column


@plain
class Rule:
    """`number` is whole: calls, blocks or bytes. `span`: columns of number and unit in its line."""

    source: str
    line: int
    text: str
    phase: str
    origin: str
    owner: str | None = None
    function: str | None = None
    region: str | None = None
    purpose: str | None = None
    thread: str | None = None
    program: str | None = None
    metric: str = ""
    exact: bool = False
    number: int = 0
    percent: int = 0
    when: tuple[str, str | None] | None = None
    span: tuple[int, int] = (0, 0)

    @property
    def scope(self) -> tuple[str | None, ...]:
        where = self.function, self.region, self.purpose, self.thread, self.program
        return (self.phase, self.origin, self.owner, *where)

    @property
    def limit(self) -> int:
        """The most that keeps the rule."""
        return self.number + self.number * self.percent // 100

    @property
    def name(self) -> str:
        """The scope and the metric, as they are written: `main user calls`."""
        return self.text[: self.span[0]].rstrip(" <=")


@plain
class Budget:
    rules: list[Rule] = fresh(list)
    run: list[str] | None = None  # the words of the program
    runs: int = 1
    status: int = 0  # that the program has to end with
    _said: dict[tuple[str, str], int] = fresh(dict)  # (word, source) -> its line

    def add(self, text: str, source: str, line: int = 1) -> None:
        """One line; raises BudgetError."""
        found = _Line(text, source, line)
        if found.next is None:
            return
        first = found.next[0]
        if first in ("run", "runs", "status"):
            self._once(first, source, line)
        if first == "run":
            self.run = found.rest_of("a program")
        elif first in ("runs", "status"):
            least, most = (1, MOST_RUNS) if first == "runs" else (0, 255)
            setattr(self, first, found.whole(least, most))
        else:
            self._add(found.rule())

    def _once(self, word: str, source: str, line: int) -> None:
        """The command line may say otherwise than the file does; the same text may not."""
        if (word, source) in self._said and source != "--budget":
            text = "%s twice: line %d has it; expected: one such line"
            raise BudgetError(source, line, 1, text % (word, self._said[word, source]))
        self._said.setdefault((word, source), line)

    def _add(self, rule: Rule) -> None:
        for other in self.rules:
            if (other.scope, other.metric, other.when) == (rule.scope, rule.metric, rule.when):
                text = "the same rule twice: %s has it on line %d; expected: each once"
                raise BudgetError(rule.source, rule.line, 1, text % (other.source, other.line))
        self.rules.append(rule)


def read(text: str, source: str, into: Budget | None = None) -> Budget:
    """The Budget that `text` is; raises BudgetError."""
    budget = into or Budget()
    for number, line in enumerate(text.split("\n"), 1):
        budget.add(line, source, number)
    return budget


class _Line:
    """The words of one line, taken one after the other."""

    def __init__(self, text: str, source: str, line: int) -> None:
        self.text, self.source, self.line = text, source, line
        self._words, self._at = [], 0
        for match in re.finditer(r"\s*(?:%s)" % _WORD.pattern, text):
            word = match.group().lstrip()
            if word and not word.startswith("#"):
                column = match.end() - len(word)
                self._words.append((_unquoted(word), column, match.end(), word[0] == '"'))

    @property
    def next(self) -> tuple[str, int, int, bool] | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def fail(self, message: str, column: int | None = None) -> NoReturn:
        column = (self.next[1] if self.next else len(self.text)) if column is None else column
        raise BudgetError(self.source, self.line, column + 1, message)

    def take(self, expected: str, among: tuple[str, ...] | None = None) -> str:
        """The next word; `among`: which words it may be."""
        if self.next is None:
            self.fail("the line ends here; expected: %s" % expected)
        word, column, _, _ = self.next
        if word == '"' and self._words[0][0] != "run":  # that has its own quotes, as a shell
            self.fail('a quote that is not closed; expected: " at its end', column)
        if among is not None and word not in among:
            self.fail("unknown word %s; expected: %s" % (word, expected), column)
        self._at += 1
        return word

    def rest_of(self, expected: str) -> list[str]:
        self._at += 1
        self.take(expected)
        begin = self._words[self._at - 1][1]
        self._at = len(self._words)
        return _shell_words(self, begin)

    def whole(self, least: int, most: int) -> int:
        self._at += 1
        expected = "a whole number from %d to %d" % (least, most)
        word = self.take(expected)
        is_short = word.isascii() and word.isdigit() and len(word) <= MOST_DIGITS
        if not (is_short and least <= int(word) <= most):
            self.fail("%s; expected: %s" % (word, expected), self._words[self._at - 1][1])
        self.end()
        return int(word)

    def end(self) -> None:
        if self.next is not None:
            self.fail("%s is too much; expected: the end of the line" % self.next[0])

    def rule(self) -> Rule:
        expected = "a phase (%s), or run, runs, status" % ", ".join(PHASES)
        text = self.text[: self._words[-1][2]]  # without a comment
        rule = Rule(self.source, self.line, text, self.take(expected, PHASES), "")
        self._origin(rule)
        known = "%s, or a metric (%s)" % (", ".join(SCOPES), ", ".join(METRICS))
        while self.next and self.next[0] in SCOPES and not self.next[3]:
            self._scope(rule)
        rule.metric = self.take(known, METRICS)
        column = self._words[self._at - 1][1]
        if rule.metric == "peak" and rule.phase != "all":
            self.fail("the peak is one of the whole run; expected: all before it", column)
        rule.exact = self.take("= or <=", ("=", "<=")) == "="
        self._number(rule)
        self._tolerance(rule)
        self._when(rule)
        self.end()
        return rule

    def _origin(self, rule: Rule) -> None:
        expected = "an origin (%s), runtime with its owner (runtime:C++)" % ", ".join(ORIGINS)
        word = self.take(expected)
        rule.origin, colon, owner = word.partition(":")
        column = self._words[self._at - 1][1]
        if rule.origin not in ORIGINS or (colon and (rule.origin != "runtime" or not owner)):
            self.fail("unknown word %s; expected: %s" % (word, expected), column)
        rule.owner = owner or None

    def _scope(self, rule: Rule) -> None:
        column = self.next[1] if self.next else 0
        what = self.take("")
        name = {"in": "function", "for": "purpose"}.get(what, what)
        if what == "in" and self.next and self.next[0] == "region" and not self.next[3]:
            name = what = self.take("")
        if getattr(rule, name) is not None:
            self.fail("%s twice in one rule; expected: once" % what, column)
        if what == "for" and self.next and not self.next[3]:
            self.fail('%s; expected: a purpose in "quotes"' % self.next[0])
        setattr(rule, name, self.take(_EXPECTED.get(what, "a name")))

    def _number(self, rule: Rule) -> None:
        is_bytes = rule.metric in BYTES
        expected = "a number of bytes (72 KiB)" if is_bytes else "a whole number"
        word = self.take(expected)
        _, column, end, _ = self._words[self._at - 1]
        match = _NUMBER.match(word)
        if not match:
            self.fail("%s; expected: %s" % (word, expected), column)
        if len(match[1]) > MOST_DIGITS:
            self.fail("the number is too long; expected: at most %d digits" % MOST_DIGITS, column)
        unit, at = match[2], column + len(match[1])
        if not unit and self.next and self.next[0] in _LIKE_UNITS:
            at, end = self.next[1], self.next[2]
            unit = self.take("")
        if unit and (not is_bytes or unit not in UNITS):
            known = ", ".join(UNITS) if is_bytes else "no unit behind %s" % rule.metric
            self.fail("unknown unit %s; expected: %s" % (unit, known), at)
        value = Fraction(match[1]) * UNITS[unit or "B"]
        if unit in ("", "B") and value.denominator != 1:
            self.fail("%s; expected: %s" % (word, expected), column)
        if value > MAX:
            self.fail("the number is too large; expected: at most %d" % MAX, column)
        rule.number, rule.span = int(value), (column, end)

    def _tolerance(self, rule: Rule) -> None:
        if self.next and self.next[0].startswith("+"):
            match = _PERCENT.match(self.next[0])
            if not match:
                self.fail("%s; expected: +N%%" % self.next[0])
            rule.percent = int(match[1])
            self._at += 1

    def _when(self, rule: Rule) -> None:
        if self.next is None:
            return
        self.take("+N%, when, or the end of the line", ("when",))
        libc = self.take("a C library (%s)" % ", ".join(LIBCS), LIBCS)
        rule.when = (libc, self.take("a version") if self.next else None)


_EXPECTED = {"in": "a function, or region and its name", "for": 'a "purpose"'}
_LIKE_UNITS = frozenset(
    "B b byte bytes KiB MiB GiB TiB PiB EiB KB kB kb MB Mb mb GB gb K k M m G g".split()
)


def _unquoted(word: str) -> str:
    if word[0] != '"' or len(word) < 2 or word[-1] != '"':
        return word
    return re.sub(r"\\(.)", r"\1", word[1:-1])


def _shell_words(line: _Line, begin: int) -> list[str]:
    try:
        return shlex.split(line.text[begin:], comments=True)
    except ValueError as error:
        line.fail("%s; expected: words as a shell has them" % error, begin)
