"""The files mapped as code in the target: who lies where, what can be hooked, what has CFI."""

from __future__ import annotations

import bisect
import os

import gdb

from alloctrace import allocators
from alloctrace.elf import code_files, elf, entries
from alloctrace.fields import MASK64

DEBUG_ROOTS = ("/usr/lib/debug",)
_CALL_FORMS = 7  # longest call instruction that a compiler emits, in bytes
_SIGNAL_RETURN = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"  # mov $15, %rax; syscall
_START_BYTES = 96  # glibc's _start and _dl_start_user together: sysdeps/x86_64/dl-machine.h
DEBUG_STATE = "_dl_debug_state"  # <link.h>, r_debug.r_brk
_DELETED = b" (deleted)"  # d_path, fs/d_path.c


class Code:
    """One mapped file. `file` is None where it cannot be read as ELF."""

    def __init__(self, id_, path, start, end, bias, file, role):
        self.id, self.path, self.start, self.end = id_, path, start, end
        self.bias, self.file, self.role = bias, file, role
        self._extents = {}

    def describe(self, image, t_ns):
        build_id = (self.file.build_id or "") if self.file else ""
        return {
            "id": self.id,
            "path": os.fsdecode(self.path),
            "base": self.bias & MASK64,
            "start": self.start,
            "end": self.end,
            "build_id": build_id,
            "role": self.role,
            "image": image,
            "loaded_ns": t_ns,
        }

    @property
    def is_loader(self):
        """A dynamic loader: it announces changes of its list, and needs no loader itself."""
        file = self.file
        if not file or file.interp is not None or file.type != "DYN" or file.is_pie:
            return False  # a static program holds the function, too
        return file.function(DEBUG_STATE) is not None

    @property
    def is_program(self):
        """A program that a loader was told to run (`ld-linux PROGRAM`), and no library."""
        file = self.file
        return bool(file) and file.interp is not None and (file.type == "EXEC" or file.is_pie)

    def starts(self):
        """[(low, high)] of code that nobody called, where a stack ends."""
        if self.file is None or self.role not in ("executable", "loader"):
            return []
        entry = self.bias + self.file.entry
        known = self.extent(entry)
        if self.role == "loader" or known is None:
            return [(entry, entry + _START_BYTES)]
        return [known]

    def extent(self, address):
        """(low, high) of the function around `address`, by unwind table; None without one."""
        if self.file is None:
            return None
        offset = address - self.bias
        if offset not in self._extents:
            self._extents[offset] = self.file.fde_at(offset)
        found = self._extents[offset]
        return found and (found[0] + self.bias, found[1] + self.bias)

    def is_guessed(self, address):
        """Whether gdb has no unwind table for it either."""
        if self.file is None:
            return self.role != "vdso"  # gdb reads that one in memory
        tables = self.file.unwind_tables
        return not self.extent(address) and not tables.find_for_debuggers(address - self.bias)

    def hooks(self, symbols, watched=None):
        """[([Named, …], impl, address)] of the allocator entry points defined here.

        Several names are aliases: glibc's memalign is its aligned_alloc. `symbols`: separate
        debug files may be used to find the loader's. `watched`: of allocators.watched.
        """
        watched = allocators.watched() if watched is None else watched
        if self.file is None:
            return []
        found = entries.of_file(self.file, watched)
        if not found and self.role == "loader":
            private = self.file.loader_malloc(DEBUG_ROOTS if symbols else ())
            known = {named.name: named for named in watched}
            return [([known[n]], e.impl, e.vaddr + self.bias) for n, e in private.items()]
        return [(names, None, vaddr + self.bias) for vaddr, names in found.items()]


class Map:
    """All code of one program image, kept up with /proc/PID/maps."""

    def __init__(self, process, first_id=1):
        self._process = process
        self._files, self._seen = {}, []  # (path, start) -> Code; CodeFiles
        self._starts, self._sorted = [], []
        self._next = first_id
        self._supported = {}

    @property
    def next_id(self):
        return self._next

    @property
    def all(self):
        return list(self._files.values())

    def update(self):
        """([new Code], [gone Code]) since the last time."""
        seen = self._code_files()
        gone = [self._files.pop(key) for key in list(self._files) if key not in seen]
        new = [self._open(key, found) for key, found in seen.items() if key not in self._files]
        self._sorted = sorted(self._files.values(), key=lambda code: code.start)
        self._starts = [code.start for code in self._sorted]
        if new or gone:
            self._supported.clear()
        return new, gone

    def _code_files(self):
        """{(path, start): CodeFile}. A file that was deleted since it was opened keeps its name."""
        found = {}
        self._seen = code_files.code_files(self._process.mappings(), self._process.read, self._seen)
        for file in self._seen:
            path, start = file.path, file.start
            plain = path[: -len(_DELETED)] if path.endswith(_DELETED) else path
            found[(plain if (plain, start) in self._files else path), start] = file
        return found

    def _open(self, key, found):
        file, bias = self._read_elf(key[0], found)
        code = Code(self._next, key[0], found.start, found.end, bias, file, _role(key[0]))
        self._next += 1
        self._files[key] = code
        return code

    def _read_elf(self, path, found):
        """(ElfFile, bias); (None, its bias) of what cannot be read, or does not lie as it says."""
        bias, places = found.bias, [path]
        if path == os.fsencode(self._process.executable()):
            places.append(b"/proc/%d/exe" % self._process.pid)  # memfd_create, or deleted
        places.append(b"/proc/%d/map_files/%x-%x" % (self._process.pid, *found.first[:2]))
        file = next(filter(None, map(_read_elf, places)), None)
        if file is not None and bias is None:
            bias = _bias(file, found.code)
        if bias is None:
            return None, found.first.start - found.first.offset
        return file, bias

    def at(self, address):
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._sorted[index].end:
            return self._sorted[index]
        return None

    def extent(self, address):
        code = self.at(address)
        return code and code.extent(address)

    def is_guessed(self, address):
        code = self.at(address)
        return code is None or code.is_guessed(address)

    def supports(self, pc, ret):
        """Whether the step from `pc` out to `ret` is one that a call made.

        gdb falls back on guesses where it knows no unwind table; the code before the return
        address tells. Only what was built by hand returns to where nobody called: the start of a
        function (makecontext), the end of a signal handler.
        """
        key = (pc, ret)
        if key not in self._supported:
            self._supported[key] = self._is_call(ret) or self._is_made_by_hand(pc, ret)
        return self._supported[key]

    def ends(self, pc):
        """Whether gdb may be believed that nobody called `pc`: an unwind table told it so."""
        code = self.at(pc - 1)
        if code is None or code.extent(pc - 1) is None:
            return False
        return code.role != "library" or code.is_program or gdb.solib_name(pc - 1) is not None

    def _is_made_by_hand(self, pc, ret):
        if self._process.read(ret, len(_SIGNAL_RETURN)) == _SIGNAL_RETURN:
            return True
        known = self.extent(ret)
        return known is not None and known[0] == ret and self.extent(pc - 1) is not None

    def _is_call(self, ret):
        """A call instruction ends just before `ret`: e8 rel32, or ff /2 in any length."""
        data = self._process.code(ret - _CALL_FORMS, _CALL_FORMS)
        if len(data) < _CALL_FORMS or not (self.at(ret) or self._process.is_code(ret)):
            return False
        if data[-5] == 0xE8:
            return True
        lengths = range(2, _CALL_FORMS + 1)
        return any(data[-n] == 0xFF and (data[-n + 1] >> 3) & 7 == 2 for n in lengths)

    def called_name(self, ret):
        """The symbol that the call before `ret` names, through the PLT or the GOT; or None."""
        code, data = self.at(ret), self._process.code(ret - 6, 6)
        if code is None or code.file is None or len(data) < 6:
            return None
        if data[1] == 0xE8:
            target = ret + int.from_bytes(data[2:], "little", signed=True)
        elif data[:2] == b"\xff\x15":
            target = ret - 6
        else:
            return None
        owner = self.at(target)
        return owner and owner.file and owner.file.plt_target(target - owner.bias)


def _bias(file, code):
    try:
        loads = [segment for segment in file.segments_of(elf.PT_LOAD) if segment.filesz]
    except elf.ElfError:
        return None
    rows = (code_files.Load(s.flags, s.offset, s.vaddr, s.filesz, s.memsz) for s in loads)
    return code_files.bias_of(rows, code)


def _read_elf(path):
    if not path.startswith(b"/"):
        return None
    try:
        return elf.ElfFile(os.fsdecode(path))
    except (elf.ElfError, OSError):
        return None


def _role(path):
    return "vdso" if path == b"[vdso]" else "library"
