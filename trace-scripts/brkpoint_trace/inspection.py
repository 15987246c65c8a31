"""What file, ldd, nm, size, strip and objdump told the article, from the ELF file itself.

Only counting instructions needs a disassembler: the bytes 0f 05 alone prove that there is none,
not that there is one. objdump is asked where it is installed and the bytes occur.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from alloctrace.elf.elf import ElfFile

from . import libraries, silence

_WRITE, _ALLOC, _EXEC = 1, 2, 4  # SHF_…
_NOBITS = 8
_DEBUG = (".debug", ".zdebug", ".gdb_index")
# Instructions that ask the kernel, as objdump writes them, and bytes without which none is there.
_ASKS = {"syscall": b"\x0f\x05", "int $0x80": b"\xcd\x80", "sysenter": b"\x0f\x34"}
_LIMIT_S = 60


def inspect(path, disassemble=True):
    """{question: answer} of one file; raises ElfError, OSError. Sizes in bytes."""
    with ElfFile(path) as elf:
        found = {"path": path, "bytes": os.stat(path).st_size, "kind": kind(elf)}
        if not elf.is_supported:
            return found
        symbols = list(elf.symbols())
        found.update(
            interpreter=elf.interp,
            build_id=elf.build_id,
            debug_file=elf.debug_file(),
            stripped=elf.is_stripped,
            size=sizes(elf),
            strip=_removable(elf),
            symbols=_symbol_counts(symbols),
            rust=elf.looks_like_rust() or None,
            asks=asks(elf, path, disassemble),
        )
    found["libraries"] = [row._asdict() for row in libraries.needed(path)]
    functions, advice = silence.of_file(path)
    found["ltrace"] = {"functions": [f._asdict() for f in functions], "do": advice}
    return found


def kind(elf):
    """In words, as `file` says it: what the file is, and whether it may be loaded anywhere."""
    if not elf.is_supported:
        return "%s-bit %s, %s" % (elf.elf_class or "?", elf.machine_name, elf.type)
    if elf.is_static:
        return "program, static%s" % (", position-independent" if elf.is_pie else "")
    if elf.type == "EXEC":
        return "program, dynamically linked, at a fixed address"
    if elf.is_pie:
        return "program, dynamically linked, position-independent"
    return {"DYN": "shared library", "REL": "object file", "CORE": "core file"}.get(
        elf.type, "ELF file of type " + elf.type
    )


def sizes(elf):
    """text, data and bss as size(1) in Berkeley's format counts them; None without sections."""
    if not elf.section_list:
        return None
    found = {"text": 0, "data": 0, "bss": 0}
    for section in elf.section_list:
        if section.flags & _ALLOC:
            found[_room(section)] += section.size
    return found


def _room(section):
    if section.type == _NOBITS:
        return "bss"
    return "data" if section.flags & _WRITE else "text"


def _removable(elf):
    """What strip would take: {"symbols": bytes, "debug": bytes}."""
    rows = [s for s in elf.section_list if not s.flags & _ALLOC and s.type != _NOBITS]
    named = {"symbols": 0, "debug": 0}
    for section in rows:
        if section.name in (".symtab", ".strtab"):
            named["symbols"] += section.size
        elif section.name.startswith(_DEBUG):
            named["debug"] += section.size
    return named


def _symbol_counts(symbols):
    """Lines that `nm` and `nm -D` would print."""
    rows = {"symtab": 0, "dynsym": 0}
    for symbol in symbols:
        rows[symbol.table] += symbol.kind not in ("FILE", "SECTION") and symbol.name != ""
    return rows


def asks(elf, path, disassemble=True):
    """{instruction: count, or None where only a disassembler could tell}."""
    code = [s for s in elf.section_list if s.flags & _EXEC and s.type != _NOBITS]
    data = [elf.section_data(section) for section in code]
    if not code:
        return dict.fromkeys(_ASKS)
    present = {name: any(b in part for part in data) for name, b in _ASKS.items()}
    if not any(present.values()):
        return dict.fromkeys(_ASKS, 0)
    counted = _by_objdump(path) if disassemble else None
    if counted is None:
        return {name: None if there else 0 for name, there in present.items()}
    return counted


def _by_objdump(path):
    """{instruction: count} by `objdump -d`, None where it is not installed or fails."""
    program = shutil.which("objdump")
    if program is None:
        return None
    words = [program, "-d", "--no-show-raw-insn", "--", path]
    environment = dict(os.environ, LC_ALL="C")
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=environment, timeout=_LIMIT_S)  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        return None
    text = done.stdout.decode("ascii", "replace")
    return {name: len(re.findall(_pattern(name), text, re.M)) for name in _ASKS}


def _pattern(instruction):
    return r"^\s*[0-9a-f]+:\s+%s\s*$" % re.escape(instruction).replace(r"\ ", r"\s+")
