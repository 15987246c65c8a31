"""What is known of each program of a run as a whole, for the judgement of its stacks."""

from __future__ import annotations

import functools

from alloctrace.elf.elf import ElfError
from alloctrace.elf.of_run import that_ran
from alloctrace.model import by_image
from alloctrace.stacks.tree import StackTree
from . import facts as origin_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from alloctrace.history.history import History
    from alloctrace.model import Frame, Module


def of_images(history: History, stacks: Mapping[int, Sequence[Frame]]) -> dict[int, dict[str, Any]]:
    """{image: {"libc", "holds", "executable_mixed"}}, fields of origin.Facts.

    `stacks`: a StackTree, or {stack id: (Frame, …)}.
    """
    held = _held(history, StackTree.of(stacks))
    of_images: dict[int, list[Module]] = {
        **{image: [] for image in held},
        **by_image(history.modules),
    }
    in_file = functools.lru_cache(maxsize=None)(_in_file)  # one program may run many times
    return {
        image: _program(history, image, modules, frozenset(held.get(image, ())), in_file)
        for image, modules in of_images.items()
    }


def _held(history: History, tree: StackTree) -> dict[int, set[str]]:
    """{image: languages}, by its own stacks: what one program holds says nothing of another."""
    if history.packed is not None:
        groups = history.packed.sums.groups
        images = [what.image for what in groups.whats]
        nodes = tree.nodes(groups.stack)
        return tree.said(images, nodes, origin_facts.language, groups.what)
    images = [event.image for event in history.events]
    nodes = tree.nodes([event.stack for event in history.events])
    return tree.said(images, nodes, origin_facts.language)


def _program(
    history: History, image: int, modules: list[Module], held: frozenset[str], in_file: Any
) -> dict[str, Any]:
    program = next((module for module in modules if module.role == "executable"), None)
    libc = _libc(history, image, modules, program)
    is_rust = is_stripped = False
    if program:
        is_rust, is_stripped = in_file(program.path, program.build_id, program.mtime_ns)
    holds = held | {"Rust"} if is_rust else held
    mixed = is_stripped and (libc == "static" or "Rust" in holds)
    return {"libc": libc, "holds": frozenset(holds), "executable_mixed": mixed}


def _libc(history: History, image: int, modules: list[Module], program: Module | None) -> str:
    """shared, static or none: a program without libc has no main and no loader."""
    if any(origin_facts.is_libc(module.name) for module in modules):
        return "shared"
    has_main = any(main.get("image") == image for main in history.mains)
    has_hooks = program is not None and any(
        hook.module == program.id for hook in history.hooks.values()
    )
    if has_main or has_hooks or not modules:
        return "static"
    return "none"


def _in_file(*of_run: Any) -> tuple[bool, bool]:
    """(holds Rust's standard library, is stripped) by the file, if it is the one that ran."""
    try:
        with that_ran(*of_run) as elf:
            return bool(elf.looks_like_rust()), elf.is_stripped
    except ElfError:
        return False, False
