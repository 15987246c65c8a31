"""What is known of each program of a run as a whole, for the judgement of its stacks."""

from __future__ import annotations

from . import origin_facts
from .elf import ElfError, ElfFile
from .stack_tree import StackTree


def of_images(history, stacks):
    """{image: {"libc", "holds", "executable_mixed"}}, fields of origin.Facts.

    `stacks`: a StackTree, or {stack id: (Frame, …)}.
    """
    held = origin_facts.languages(StackTree.of(stacks).frames)
    modules = {image: [] for image in history.event_images()}
    for module in history.modules:
        modules.setdefault(module.image, []).append(module)
    files = {}  # what runs again and again is opened once
    return {image: _program(history, image, found, held, files) for image, found in modules.items()}


def _program(history, image, modules, held, files):
    program = next((module for module in modules if module.role == "executable"), None)
    libc = _libc(history, image, modules, program)
    file = program and (program.path, program.build_id)
    if file not in files:
        files[file] = _in_file(program)
    is_rust, is_stripped = files[file]
    holds = held | {"Rust"} if is_rust else held
    mixed = is_stripped and (libc == "static" or "Rust" in holds)
    return {"libc": libc, "holds": frozenset(holds), "executable_mixed": mixed}


def _libc(history, image, modules, program):
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


def _in_file(program):
    """(holds Rust's standard library, is stripped) by the file, if it is the one that ran."""
    if program is None:
        return False, False
    try:
        with ElfFile(program.path) as elf:
            if program.build_id and elf.build_id != program.build_id:
                return False, False
            return bool(elf.looks_like_rust()), elf.is_stripped
    except ElfError:
        return False, False
