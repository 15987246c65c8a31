"""Who asked: one pure function over a symbolised stack (docs/origin.md).

Walk outwards from the innermost frame; the first frame that decides, decides. Allocators are
skipped; libraries that act for their caller are passed through and remembered as `via`. What
cannot be known is `unknown`, with the reason as the rule: no guess is shown as a fact.
"""

from __future__ import annotations

from alloctrace import words
from alloctrace.model import Frame, Verdict
from alloctrace.stacks.beginnings import EVERY
from . import table as origin_table
from .facts import Facts, is_interpreter
from .via import Via
from .walk import FAR, Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alloctrace.origin.table import Row, Table
    from alloctrace.origin.walk import Look, Passed, Stack
    from alloctrace.stacks.beginnings import Beginning

__all__ = ["Facts", "decide"]

_THREAD = "<core::cell::RefCell<core::option::Option<std::sys_common::thread_info::"  # std's own
MAX_FURTHER = 8  # loader calls initialiser calls loader …: real stacks have one or two


def decide(
    stack: Stack,
    facts: Facts,
    table: Table | None = None,
    seen: dict[int, Look] | None = None,
) -> Verdict:
    """The verdict over `stack`, innermost frame first. Pure: the same stack, the same answer.

    `seen`: a dict that remembers frames of one program by their identity: the caller keeps them.
    Frames further out than the answer needs are not looked at (stack_beginnings.Beginning).
    """
    walk = _Walk(stack, facts, table or origin_table.default(), {} if seen is None else seen)
    return walk.decide(walk.first_caller())


class _Walk(Walk):
    def first_caller(self) -> int:
        """Index of the frame outside the allocator that was entered (frame 0 of a call)."""
        if self.facts.name not in words.ENTRY_POINTS:
            return 0
        index = 0
        while self.has(index) and self.stack[index].inlined:
            index += 1
        return index + 1 if self.has(index) else index

    def decide(self, start: int) -> Verdict:
        via = Via()
        at, looks, add = start, self._looks, via.add
        passed: Passed = []
        if TYPE_CHECKING:
            assert isinstance(self.stack, Beginning)
        nodes = self.stack.nodes if self._shared is not None else None
        while at < len(looks) or self.has(at):
            if nodes and at >= FAR and not nodes[at] % EVERY and not via.is_empty():
                known = self.known_from(at, via, passed)
                if known is not None:
                    return self.remembered(passed, known[0], at, *known[1:])
            _, _, passes, said, module, is_inlined = looks[at]
            if passes:  # `judge` would pass it as well
                outer = looks[at + 1][1] if at + 1 < len(looks) or self.has(at + 1) else None
                if outer is None or not outer.calls or is_inlined:  # no callback
                    add(module, said)
                    at += 1
                    continue
            if self.kind(at) == "loader":
                beyond = self.beyond_loader(at)
                if not self.is_thread_creation(beyond):
                    return self.remembered(passed, self.loader(at, beyond))
                at = beyond
            verdict = self.judge(at, via)
            if verdict is not None:
                verdict.via = via.names()
                return self.remembered(passed, verdict)
            if self.kind(at) != "allocator":
                add(self.stack[at].module, self.look(at)[3])  # `at` may be another one by now
            at += 1
        return self.remembered(passed, self.undecided(via))

    def kind(self, at: int) -> str:
        """allocator | pass | loader | runtime | user | "" (no row: by whose file it is)."""
        row = self.row(at)
        if row is not None:
            return row.kind
        if self.stack[at].role == "loader" and not self.is_foreign_initialiser(at):
            return "loader"
        return ""

    # -- one frame -------------------------------------------------------------------------

    def judge(self, at: int, via: Via) -> Verdict | None:
        """The verdict by frame `at`, or None where it only acts for its caller."""
        frame, row, kind = self.stack[at], self.row(at), self.kind(at)
        if kind == "allocator":
            return None
        if kind == "runtime" and row is not None and not self.is_all_own(frame):
            if row.key == "rust-main":
                return self.rust_main(at)
            return self.by_row(at, "runtime", row.owner)
        if kind == "user" and row is not None:
            verdict = self.by_row(at, "user", None)
            verdict.direct = via.is_empty() and "program" in row.places
            return verdict
        if frame.known in ("main", "user_main", "entry"):
            return self.known(at, via)
        if self.is_callback(at):
            return self.callback(at, via)
        if kind == "pass":
            return None
        if frame.role == "loader":
            return None  # what ld.so calls further in was judged before
        if frame.role in ("executable", "user"):
            return self.program(at, via)
        return None

    def is_all_own(self, frame: Frame) -> bool:
        """In a program without a C library even `_start` is the user's."""
        return self.facts.libc == "none" and frame.role == "executable"

    def by_row(self, at: int, origin: str, owner: str | None, key: str = "") -> Verdict:
        row = self.row(at)
        return Verdict(origin, owner, (), False, at, key or (row.key if row else ""), "frame")

    def known(self, at: int, via: Via) -> Verdict:
        """main, Rust's user main, or the entry point, found by address."""
        frame = self.stack[at]
        how = "frame" if frame.function else "address"
        if frame.known == "entry" and self.facts.libc != "none":
            return Verdict("runtime", "C", (), False, at, "entry point: start-up code", how)
        if frame.known == "main" and "Rust" in self.facts.holds:
            return self.rust_main(at)
        if frame.known == "main" and "CPython" in self.facts.holds:
            return Verdict("runtime", "CPython", (), False, at, "cpython-main", how)
        return Verdict("user", None, (), via.is_empty(), at, "the user's main", how)

    def rust_main(self, at: int) -> Verdict:
        """C's main as the compiler makes it: it only calls Rust's start, unless inlined."""
        if self.stack[at].file is not None:  # debug information would name what is inlined
            return self.by_row(at, "runtime", "Rust", "rust-main")
        if self.facts.executable_mixed:
            return self.mixed()
        rule = "Rust's start and the user's main are one function here, by inlining"
        return Verdict("unknown", None, (), False, None, rule, "")

    def is_callback(self, at: int) -> bool:
        """Whether an initialiser, finaliser or exit handler begins with this frame."""
        if self.stack[at].known in ("initialiser", "finaliser"):
            return True
        outer = self.row(at + 1)
        return outer is not None and outer.calls and not self.stack[at].inlined

    def callback(self, at: int, via: Via) -> Verdict | None:
        frame, row = self.stack[at], self.row(at)
        how = "frame" if frame.function and not frame.known else "address"
        rule = self.callback_rule(at)
        if frame.role in ("executable", "user"):
            if row is not None and row.kind == "runtime":
                return Verdict("runtime", row.owner, (), False, at, row.key, how)
            if not frame.function and self.facts.executable_mixed:
                return None if frame.role == "user" else self.mixed()
            if self.is_libc_linked_in(at):
                return Verdict("runtime", "C", (), False, at, rule, how)
            if is_interpreter(frame, self.facts):
                return Verdict("runtime", "CPython", (), False, at, rule, how)
            if (
                row is not None
                and row.key == "rust-thread-local"
                and _THREAD in str(frame.function)
            ):
                return Verdict("runtime", row.owner, (), False, at, row.key, how)
            if row is not None and _is_untold(row, frame):
                return Verdict(rule=rule + ": a part of Rust's library; for whom is lost")
            return Verdict("user", None, (), via.is_empty(), at, rule, how)
        if frame.role != "system":
            return None
        return Verdict("runtime", self.table.owner(frame.module), (), False, at, rule, how)

    def callback_rule(self, at: int) -> str:
        frame = self.stack[at]
        if frame.known:
            return "%s of %s" % (frame.known, frame.module)
        return "function of %s, called by %s" % (frame.module or "?", self.look(at + 1)[0])

    def program(self, at: int, via: Via) -> Verdict | None:
        """A function of the executable or of a user's library that no row names."""
        frame = self.stack[at]
        if is_interpreter(frame, self.facts) or self.is_libc_linked_in(at):
            return None
        if frame.role == "executable":
            if self.facts.executable_mixed and not frame.function:
                return self.mixed()
            if "Rust" in self.facts.holds and (self.look(at)[0] or "").startswith("_R"):
                return Verdict(rule="a mangled name: Rust's library and the user look alike")
        how = "frame" if frame.function else "address"
        rule = "function of %s" % ("the program" if frame.role == "executable" else frame.module)
        return Verdict("user", None, (), via.is_empty(), at, rule, how)

    def mixed(self) -> Verdict:
        """An unnamed function of a stripped executable that holds a runtime as well. The user's
        main further out proves nothing: the runtime may have been called from there for itself."""
        rule = "the program is stripped and holds a runtime as well: whose code this is, is lost"
        return Verdict("unknown", None, (), False, None, rule, "")

    def is_libc_linked_in(self, at: int) -> bool:
        """In a static program: libc's own, as only libc calls it and it takes no callbacks."""
        if self.facts.libc != "static" or self.stack[at].role != "executable":
            return False
        row, outer = self.row(at), self.row(at + 1)
        if row is not None and row.key == "libc-linked-in":
            return True
        return outer is not None and "libc" in outer.key and not outer.calls_back

    # -- the loader ------------------------------------------------------------------------

    def is_foreign_initialiser(self, at: int) -> bool:
        """An unnamed frame of ld.so that called into another library than libc.

        The loader does so for initialisers and finalisers only.
        """
        if self.stack[at].function or not at:
            return False
        inner = self.stack[at - 1]
        if inner.role != "system" or self.table.owner(inner.module) == "C":
            return False
        row = self.row(at - 1)
        return row is None or row.kind != "allocator"

    def beyond_loader(self, at: int) -> int:
        """Index of the first frame further out that is not the loader's work."""
        while self.has(at):
            after = at
            while self.has(after) and self.helps_loader(after):
                after += 1
            if after > at and not (self.is_loader(after) or self.is_thread_creation(after)):
                return at
            if after == at and not self.is_loader(at):
                return at
            at = after if after > at else at + 1
        return at

    def is_loader(self, at: int) -> bool:
        if not self.has(at):
            return False
        return self.kind(at) in ("loader", "allocator") or self.stack[at].role == "loader"

    def helps_loader(self, at: int) -> bool:
        """libc's `_dl_catch_exception`, or an unnamed function of libc in its place."""
        row, frame = self.row(at), self.stack[at]
        if row is not None:
            return row.key == "c-calls-back"
        return frame.role == "system" and self.table.owner(frame.module) == "C"

    def is_thread_creation(self, at: int) -> bool:
        row = self.row(at)
        return row is not None and row.thread

    def loader(self, at: int, beyond: int | None) -> Verdict:
        frame, row = self.stack[at], self.row(at)
        if row is not None and row.calls and self.is_own_work(at):
            beyond = None
        how = "frame" if frame.function else "address"
        rule = row.key if row else "function of the dynamic loader"
        if rule == "loader-linked-in" and beyond is not None and self.has(beyond):
            outer = self.further_out(beyond)
            if outer.owner == "C":  # a static program's start uses these functions for itself
                return outer
        return Verdict("loader", None, (), False, at, rule, how, self.for_whom(beyond))

    def further_out(self, at: int) -> Verdict:
        """The verdict over the frames from `at` on: who is behind the loader's work."""
        if at not in self._further:
            if len(self._further) >= MAX_FURTHER:
                return Verdict()
            self._further[at] = Verdict()  # while it is being found out
            self._further[at] = self.decide(at)
        return self._further[at]

    def is_own_work(self, at: int) -> bool:
        return all(self.kind(inner) == "allocator" for inner in range(at))

    def for_whom(self, beyond: int | None) -> str | None:
        if beyond is None or self.facts.phase == "load" or not self.has(beyond):
            return None
        verdict = self.further_out(beyond)
        if verdict.origin == "runtime":
            return "runtime (%s)" % verdict.owner
        return verdict.origin if verdict.origin == "user" else None

    # -- nothing decided -------------------------------------------------------------------

    def undecided(self, via: Via) -> Verdict:
        if self.facts.phase == "load" and self.facts.libc != "none":
            rule = "phase load: only the dynamic loader has run so far"
            return Verdict("loader", None, (), False, None, rule, "phase")
        if self.facts.libc == "none" and self.facts.phase == "main":
            rule = "the program has no C library: all code is its own"
            return Verdict("user", None, (), True, None, rule, "phase")
        if not self.has(0):
            rule = "no stack was recorded"
        else:
            rule = "no frame of the stack tells whose call this is"
        return Verdict("unknown", None, via.names(), False, None, rule, "")


def _is_untold(row: Row, frame: Frame) -> bool:
    """A function of Rust's library that does not name the type that it is about."""
    nameless = row.key == "rust-thread-local" and "<" not in (frame.function or "")
    return nameless or row.key == "rust-library"
