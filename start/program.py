"""Which file a program word means, and whether the kernel will run it, said before gdb starts."""

from __future__ import annotations

import os
import stat
from collections import namedtuple

from alloctrace.elf import elf

from . import heritage
from .errors import CANNOT_EXECUTE, NOT_FOUND, UserError, shown

TYPE_CHECKING = False

# path: as given to execve; notes: what the user should know first.
# fallback: the argv for /bin/sh where the kernel refuses the file as no program of its own.
# of_breakpoints, of_recorder: what the user should know where that is the engine.
# odd: what is wrong with the file, as far as we can tell; the kernel decides whether it is run.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    class _Program(NamedTuple):
        path: bytes
        argv: list[bytes]
        fallback: list[bytes] | None
        notes: list[str]
        of_breakpoints: Sequence[str]
        odd: str | None = None
        of_recorder: Sequence[str] = ()

else:
    _Program = namedtuple(
        "Program", "path argv fallback notes of_breakpoints odd of_recorder", defaults=[None, ()]
    )


class Program(_Program):
    __slots__ = ()

    def of_engine(self, is_recorder: bool) -> list[str]:
        """What the user should know where this engine watches it."""
        return list(self.of_recorder if is_recorder else self.of_breakpoints)


_PTRACE = "can call ptrace: breakpoints keep it from tracing itself; what it traces is not followed"
_MLOCKALL = (
    "can call mlockall: if it does, the recorder's 1.6 GiB are locked into memory too, and without "
    "privileges a limit (ulimit -l) may forbid that; under `ulimit -v 900000` they are 0.2 GiB"
)
_DEFAULT_PATH = b"/bin:/usr/bin"  # execvp(3) without PATH
_SHELL = b"/bin/sh"


def find(argv: list[bytes], environment: list[bytes]) -> Program:
    """The Program for the words `argv` (bytes); raises UserError 126 or 127 as a shell would.

    What Linux runs is run: a file is refused here only where the kernel would refuse it too.
    """
    path = _search(argv[0], environment)
    notes = _privileges(path)
    try:
        with open(path, "rb") as file:
            head = file.read(256)
    except OSError as error:
        text = "%s may be executed but not read (%s): little of it is seen"
        return Program(path, argv, None, notes + [text % (shown(path), error.strerror)], [])
    if head.startswith(b"\x7fELF"):
        return _of_elf(path, argv, notes)
    # After `#!` there may be nothing: the kernel refuses that, and every shell runs it.
    if not head.startswith(b"#!") and b"\0" in head.split(b"\n")[0]:  # perhaps for binfmt_misc
        return Program(path, argv, None, notes, [], "not a program that Linux can run")
    return Program(path, argv, [_SHELL, path] + argv[1:], notes, [])


def _search(word: bytes, environment: list[bytes]) -> bytes:
    """The file as execvp finds it; a hit that may not be executed is remembered."""
    if b"/" in word:
        _check_executable(word)
        return word
    folders = heritage.variable(environment, b"PATH", _DEFAULT_PATH).split(b":")
    candidates = [os.path.join(folder or b".", word) for folder in folders]
    present = [path for path in candidates if word and os.path.isfile(path)]
    for path in present:
        if os.access(path, os.X_OK, effective_ids=True):
            return path
    if present:
        _check_executable(present[0])
    hint = "; did you mean ./%s?" % shown(word) if word and os.path.isfile(word) else ""
    raise UserError("%s: command not found%s" % (shown(word), hint), NOT_FOUND)


def _check_executable(path: bytes) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        status = NOT_FOUND if missing else CANNOT_EXECUTE
        raise UserError("%s: %s" % (shown(path), error.strerror), status) from None
    if stat.S_ISDIR(mode):
        raise UserError("%s: is a directory" % shown(path), CANNOT_EXECUTE)
    if not stat.S_ISREG(mode):
        raise UserError("%s: is not a regular file" % shown(path), CANNOT_EXECUTE)
    if not os.access(path, os.X_OK, effective_ids=True):
        fix = "Permission denied (chmod +x makes a program executable)"
        raise UserError("%s: %s" % (shown(path), fix), CANNOT_EXECUTE)


def _of_elf(path: bytes, argv: list[bytes], notes: list[str]) -> Program:
    """Raises UserError where its loader is missing."""
    odd, interpreter, strings = None, None, b""
    try:
        with elf.ElfFile(os.fsdecode(path)) as file:
            odd = _odd_machine(file) or _odd_segments(file, os.path.getsize(path))
            interpreter = file.interp
            strings = file.dynamic_strings
    except elf.ElfError as error:
        odd = odd or shown(str(error))
    if interpreter is not None and not os.path.exists(interpreter):
        text = "its loader %s is not installed" % shown(interpreter)
        raise UserError("%s: %s" % (shown(path), text), NOT_FOUND)
    of_breakpoints, of_recorder = (
        ["%s %s" % (shown(path), text)] if b"\0%s\0" % name in strings else []
        for name, text in ((b"ptrace", _PTRACE), (b"mlockall", _MLOCKALL))
    )
    return Program(path, argv, None, notes, of_breakpoints, odd, of_recorder)


def _odd_machine(file: elf.ElfFile) -> str | None:
    if not file.is_supported:
        bits = "%d-bit " % file.elf_class if file.elf_class else ""
        return "a %s%s program; brkpoint watches 64-bit x86-64 programs" % (bits, file.machine_name)
    if file.type not in ("EXEC", "DYN"):
        return "an ELF file of type %s, not a program" % file.type
    return None


def _odd_segments(file: elf.ElfFile, size: int) -> str | None:
    loads = file.segments_of(elf.PT_LOAD)
    if not loads:
        return "damaged ELF file: it loads nothing"
    end = max(segment.offset + segment.filesz for segment in loads)
    if end > size:
        return "damaged ELF file: cut off: it loads up to byte %d of %d" % (end, size)
    return None


def _privileges(path: bytes) -> list[str]:
    """What a traced program loses: the kernel gives no privileges to it (ptrace(2))."""
    about = os.stat(path)
    gains = about.st_mode & stat.S_ISUID and about.st_uid != os.geteuid()
    gains = gains or about.st_mode & stat.S_ISGID and about.st_gid != os.getegid()
    if os.geteuid() != 0 and (gains or _has_capabilities(path)):
        return [
            "%s is set-user-ID or privileged: watched, it runs without its privileges and "
            "may behave otherwise" % shown(path)
        ]
    return []


def _has_capabilities(path: bytes) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False
