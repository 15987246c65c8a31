"""Who asked: one pure function over a symbolised stack (docs/origin.md).

Walk outwards from the innermost frame; the first frame that decides, decides. Allocators are
skipped; libraries that act for their caller are passed through and remembered as `via`. What
cannot be known is `unknown`, with the reason as the rule: no guess is shown as a fact.
"""

from __future__ import annotations

from typing import Sequence

from . import origin_table, words
from .function_names import plain
from .model import Frame, Verdict
from .origin_facts import Facts, is_interpreter, places
from .origin_via import Via, word

__all__ = ["Facts", "decide"]

MAX_FURTHER = 8  # loader calls initialiser calls loader …: real stacks have one or two


def decide(stack: Sequence[Frame], facts: Facts, table=None, seen=None) -> Verdict:
    """The verdict over `stack`, innermost frame first. Pure: the same stack, the same answer.

    `seen`: a dict that remembers frames of one program by their identity: the caller keeps them.
    """
    walk = _Walk(stack, facts, table or origin_table.default(), {} if seen is None else seen)
    return walk.decide(walk.first_caller())


class _Walk:
    def __init__(self, stack, facts, table, seen):
        self.stack = stack
        self.facts = facts
        self.table = table
        self._further = {}  # index of a frame -> verdict over the stack from there on
        looks = list(map(seen.get, map(id, stack)))
        for at, look in enumerate(looks) if None in looks else ():
            looks[at] = look or seen.setdefault(id(stack[at]), self._look(stack[at]))
        self.names, self.rows, self.passes, self.words = zip(*looks) if looks else ((),) * 4

    def _look(self, frame):
        """(name, row, whether it only acts for its caller, unless that calls it back, its word)."""
        name = plain(frame.function)
        row = self.table.find(name, places(frame, self.facts))
        said = word(frame, name, row)
        if row is not None:
            return name, row, row.kind == "pass" and not frame.known, said
        is_library = frame.role == "system" or is_interpreter(frame, self.facts)
        return name, None, is_library and frame.role != "loader" and not frame.known, said

    def first_caller(self):
        """Index of the frame outside the allocator that was entered (frame 0 of a call)."""
        if self.facts.name not in words.ENTRY_POINTS:
            return 0
        index = 0
        while index < len(self.stack) and self.stack[index].inlined:
            index += 1
        return min(index + 1, len(self.stack))

    def decide(self, start):
        via = Via()
        at, stack, passes = start, self.stack, self.passes
        while at < len(stack):
            if passes[at] and not self.is_callback(at):  # `judge` would pass it as well
                via.add(stack[at].module, self.words[at])
                at += 1
                continue
            if self.kind(at) == "loader":
                beyond = self.beyond_loader(at)
                if not self.is_thread_creation(beyond):
                    return self.loader(at, beyond)
                at = beyond
            verdict = self.judge(at, via)
            if verdict is not None:
                verdict.via = via.names()
                return verdict
            if self.kind(at) != "allocator":
                via.add(self.stack[at].module, self.words[at])
            at += 1
        return self.undecided(via)

    def kind(self, at):
        """allocator | pass | loader | runtime | user | "" (no row: by whose file it is)."""
        row = self.rows[at]
        if row is not None:
            return row.kind
        if self.stack[at].role == "loader" and not self.is_foreign_initialiser(at):
            return "loader"
        return ""

    # -- one frame -------------------------------------------------------------------------

    def judge(self, at, via):
        """The verdict by frame `at`, or None where it only acts for its caller."""
        frame, row, kind = self.stack[at], self.rows[at], self.kind(at)
        if kind == "allocator":
            return None
        if kind == "runtime" and not self.is_all_own(frame):
            if row.key == "rust-main":
                return self.rust_main(at)
            return self.by_row(at, "runtime", row.owner)
        if kind == "user":
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

    def is_all_own(self, frame):
        """In a program without a C library even `_start` is the user's."""
        return self.facts.libc == "none" and frame.role == "executable"

    def by_row(self, at, origin, owner, key=None):
        return Verdict(origin, owner, (), False, at, key or self.rows[at].key, "frame")

    def known(self, at, via):
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

    def rust_main(self, at):
        """C's main as the compiler makes it: it only calls Rust's start, unless inlined."""
        if self.stack[at].file is not None:  # debug information would name what is inlined
            return self.by_row(at, "runtime", "Rust", "rust-main")
        if self.facts.executable_mixed:
            return self.mixed()
        rule = "Rust's start and the user's main are one function here, by inlining"
        return Verdict("unknown", None, (), False, None, rule, "")

    def is_callback(self, at):
        """Whether an initialiser, finaliser or exit handler begins with this frame."""
        if self.stack[at].known in ("initialiser", "finaliser"):
            return True
        outer = self.rows[at + 1] if at + 1 < len(self.stack) else None
        return outer is not None and outer.calls and not self.stack[at].inlined

    def callback(self, at, via):
        frame, row = self.stack[at], self.rows[at]
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
            if row is not None and row.key == "rust-library":
                return Verdict(rule=rule + ": a part of Rust's library; for whom is lost")
            return Verdict("user", None, (), via.is_empty(), at, rule, how)
        if frame.role != "system":
            return None
        return Verdict("runtime", self.table.owner(frame.module), (), False, at, rule, how)

    def callback_rule(self, at):
        frame = self.stack[at]
        if frame.known:
            return "%s of %s" % (frame.known, frame.module)
        return "function of %s, called by %s" % (frame.module or "?", self.names[at + 1])

    def program(self, at, via):
        """A function of the executable or of a user's library that no row names."""
        frame = self.stack[at]
        if is_interpreter(frame, self.facts) or self.is_libc_linked_in(at):
            return None
        if frame.role == "executable":
            if self.facts.executable_mixed and not frame.function:
                return self.mixed()
            if "Rust" in self.facts.holds and self.names[at].startswith("_R"):
                return Verdict(rule="a mangled name: Rust's library and the user look alike")
        how = "frame" if frame.function else "address"
        rule = "function of %s" % ("the program" if frame.role == "executable" else frame.module)
        return Verdict("user", None, (), via.is_empty(), at, rule, how)

    def mixed(self):
        """An unnamed function of a stripped executable that holds a runtime as well. The user's
        main further out proves nothing: the runtime may have been called from there for itself."""
        rule = "the program is stripped and holds a runtime as well: whose code this is, is lost"
        return Verdict("unknown", None, (), False, None, rule, "")

    def is_libc_linked_in(self, at):
        """In a static program: libc's own, as only libc calls it and it takes no callbacks."""
        if self.facts.libc != "static" or self.stack[at].role != "executable":
            return False
        if self.rows[at] is not None and self.rows[at].key == "libc-linked-in":
            return True
        outer = self.rows[at + 1] if at + 1 < len(self.stack) else None
        return outer is not None and "libc" in outer.key and not outer.calls_back

    # -- the loader ------------------------------------------------------------------------

    def is_foreign_initialiser(self, at):
        """An unnamed frame of ld.so that called into another library than libc.

        The loader does so for initialisers and finalisers only.
        """
        if self.stack[at].function or not at:
            return False
        inner = self.stack[at - 1]
        if inner.role != "system" or self.table.owner(inner.module) == "C":
            return False
        return self.rows[at - 1] is None or self.rows[at - 1].kind != "allocator"

    def beyond_loader(self, at):
        """Index of the first frame further out that is not the loader's work."""
        while at < len(self.stack):
            after = at
            while after < len(self.stack) and self.helps_loader(after):
                after += 1
            if after > at and not (self.is_loader(after) or self.is_thread_creation(after)):
                return at
            if after == at and not self.is_loader(at):
                return at
            at = after if after > at else at + 1
        return at

    def is_loader(self, at):
        if at >= len(self.stack):
            return False
        return self.kind(at) in ("loader", "allocator") or self.stack[at].role == "loader"

    def helps_loader(self, at):
        """libc's `_dl_catch_exception`, or an unnamed function of libc in its place."""
        row, frame = self.rows[at], self.stack[at]
        if row is not None:
            return row.key == "c-calls-back"
        return frame.role == "system" and self.table.owner(frame.module) == "C"

    def is_thread_creation(self, at):
        return at < len(self.stack) and self.rows[at] is not None and self.rows[at].thread

    def loader(self, at, beyond):
        frame = self.stack[at]
        if self.rows[at] is not None and self.rows[at].calls and self.is_own_work(at):
            beyond = len(self.stack)
        how = "frame" if frame.function else "address"
        rule = self.rows[at].key if self.rows[at] else "function of the dynamic loader"
        if rule == "loader-linked-in" and beyond < len(self.stack):
            outer = self.further_out(beyond)
            if outer.owner == "C":  # a static program's start uses these functions for itself
                return outer
        return Verdict("loader", None, (), False, at, rule, how, self.for_whom(beyond))

    def further_out(self, at):
        """The verdict over the frames from `at` on: who is behind the loader's work."""
        if at not in self._further:
            if len(self._further) >= MAX_FURTHER:
                return Verdict()
            self._further[at] = Verdict()  # while it is being found out
            self._further[at] = self.decide(at)
        return self._further[at]

    def is_own_work(self, at):
        return all(self.kind(inner) == "allocator" for inner in range(at))

    def for_whom(self, beyond):
        if beyond >= len(self.stack) or self.facts.phase == "load":
            return None
        verdict = self.further_out(beyond)
        if verdict.origin == "runtime":
            return "runtime (%s)" % verdict.owner
        return verdict.origin if verdict.origin == "user" else None

    # -- nothing decided -------------------------------------------------------------------

    def undecided(self, via):
        if self.facts.phase == "load" and self.facts.libc != "none":
            rule = "phase load: only the dynamic loader has run so far"
            return Verdict("loader", None, (), False, None, rule, "phase")
        if self.facts.libc == "none" and self.facts.phase == "main":
            rule = "the program has no C library: all code is its own"
            return Verdict("user", None, (), True, None, rule, "phase")
        if not self.stack:
            rule = "no stack was recorded"
        else:
            rule = "no frame of the stack tells whose call this is"
        return Verdict("unknown", None, via.names(), False, None, rule, "")
