"""Functions, lines and inlined calls at offsets of files, from gdb's view of debug information.

Offsets are ELF addresses: a file that is opened without a process lies at its own addresses.
Inlined functions: gdb stores the line of the call as the line of the inlined block's function
(gdb/dwarf2/read.c, new_symbol: DW_AT_call_line), which is the line to show one frame further out.
"""

from __future__ import annotations

import bisect
import json

import gdb

_SETTINGS = (
    "auto-load no",
    "debuginfod enabled off",
    "language c",  # how symbol_at's pointer prints; names keep their own language
    "confirm off",
    "pagination off",
    "height 0",
    "width 0",
    "style enabled off",
    "print symbol-loading off",
    "print demangle on",
    "print asm-demangle on",
    "print max-symbolic-offset unlimited",
    "complaints 0",
    "backtrace limit 100",
)
_MAX_DEPTH = 256  # blocks around one address; real code stays below 60
_LAST_LINE = 1 << 62
_lines = {}  # of the file that is being read


def run(request_path, answer_path):
    with open(request_path, encoding="ascii") as file:
        request = json.load(file)
    prepare(request.get("debug_roots"))
    with open(answer_path, "w", encoding="ascii") as out:
        for index, module in enumerate(request["modules"]):
            found, error = look_up(module["file"], module["offsets"])
            json.dump({"module": index, "found": found, "error": error}, out)
            out.write("\n")
            out.flush()


def prepare(debug_roots):
    """`debug_roots`: folders of separate debug files; None leaves gdb's own."""
    for setting in _SETTINGS:
        try:
            gdb.execute("set " + setting, to_string=True)
        except gdb.error:
            pass  # debuginfod is younger than gdb 10
    if debug_roots is not None:
        gdb.execute("set debug-file-directory " + ":".join(debug_roots), to_string=True)


def look_up(file, offsets):
    """({offset: {"chain", "symbol"}}, None or what gdb said). `file`: a name without blanks."""
    try:
        gdb.execute("symbol-file " + file, to_string=True)
    except (gdb.error, MemoryError) as error:
        return {}, str(error)
    found = {}
    forget()
    for offset in offsets:
        try:
            found[offset] = {"chain": chain_at(offset), "symbol": symbol_at(offset)}
        except (gdb.error, UnicodeError, RuntimeError, ValueError):
            continue  # this address stays unnamed; ELF tables may know it
    return found, None


def forget():
    """Before addresses of another file are asked for, or of one that may have been read anew."""
    _lines.clear()


def chain_at(offset):
    """[[function, file, line], …], innermost first; [] without debug information."""
    functions = functions_at(offset)
    if not functions:
        return []
    place = gdb.find_pc_line(offset)
    file, line = name_of(place.symtab), place.line or None
    if len(functions) == 1:  # nothing is inlined here
        file, line = own_place(functions[0], offset, place) or (file, line)
    chain = []
    for function in functions:
        chain.append([function.print_name, file, line])
        file, line = name_of(function.symtab), function.line or None
    return chain


def functions_at(offset):
    """The symbols of the functions around `offset`: inlined ones, then the one that holds them."""
    functions, block = [], gdb.block_for_pc(offset)
    for _ in range(_MAX_DEPTH):
        if block is None or block.is_static or block.is_global:
            break
        if block.function is not None:
            functions.append(block.function)
        block = block.superblock
    return functions


def own_place(function, offset, place):
    """(file, line) of the code of the function's own file before `offset`, None where `place` is in
    that file. What an optimiser mixed in, without telling of a call, is of other files."""
    own = function.symtab
    if own is None or place.symtab is None or place.symtab.filename == own.filename:
        return None
    start = gdb.block_for_pc(offset)
    while start is not None and start.function is None:
        start = start.superblock
    lines = own_lines(own)
    at = bisect.bisect_right(lines, (offset, _LAST_LINE)) - 1
    if start is None or at < 0 or lines[at][0] < start.start:
        return None
    return own.filename, lines[at][1]


def own_lines(symtab):
    """[(address, line)] of a file's own code in one unit, by address; kept, as many addresses may
    ask. Many units may have code of one file: each has its own lines."""
    key = symtab.fullname(), symtab.static_block().start
    if key not in _lines:
        found = linetable(symtab) if symtab.is_valid() else ()
        _lines[key] = sorted((entry.pc, entry.line) for entry in found if entry.line)
    return _lines[key]


def linetable(symtab):
    """The gdb.LineTable, () where there is none: going through it then ends gdb (13.1,
    python/py-linetable.c), and only `has_line` asks."""
    table = symtab.linetable()
    try:
        table.has_line(1)
    except (gdb.error, RuntimeError):  # gdb 13: the latter
        return ()
    return table


def name_of(symtab):
    return None if symtab is None else symtab.filename


def symbol_at(offset):
    """[demangled name, bytes from its start] of the linker's symbol before `offset`, or None."""
    pointer = gdb.Value(offset)
    pointer = pointer.cast(pointer.type.pointer())
    text = pointer.format_string(symbols=True)  # "(long *) 0x1139 <name(int)+4>"
    start, end = text.find("<"), text.rfind(">")
    if start < 0 or end < start:
        return None
    name, plus, distance = text[start + 1 : end].rpartition("+")
    if plus and distance.isdigit():
        return [name, int(distance)]
    return [text[start + 1 : end], 0]
