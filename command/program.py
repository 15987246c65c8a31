"""Which file a program word means, and whether the kernel will run it, said before gdb starts."""

from __future__ import annotations

import os
import stat
from collections import namedtuple

from alloctrace import elf

from . import heritage
from .errors import CANNOT_EXECUTE, NOT_FOUND, UserError, shown

# path: bytes, as given to execve; argv: [bytes]; notes: [str], what the user should know first.
# fallback: the argv for /bin/sh where the kernel refuses the file as no program of its own.
# of_breakpoints: [str], what the user should know where breakpoints are the engine.
Program = namedtuple("Program", "path argv fallback notes of_breakpoints")

_DEFAULT_PATH = b"/bin:/usr/bin"  # execvp(3) without PATH
_SHELL = b"/bin/sh"


def find(argv, environment):
    """The Program for the words `argv` (bytes); raises UserError 126 or 127 as a shell would."""
    path = _search(argv[0], environment)
    with _opened(path) as file:
        head = file.read(256)
    notes = _privileges(path)
    if head.startswith(b"\x7fELF"):
        return Program(path, argv, None, notes, _check_elf(path))
    if head.startswith(b"#!"):
        return Program(path, argv, None, notes, [])
    if b"\0" in head.split(b"\n")[0]:
        raise UserError("%s: not a program that Linux can run" % shown(path), CANNOT_EXECUTE)
    return Program(path, argv, [_SHELL, path] + argv[1:], notes, [])


def _search(word, environment):
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


def _check_executable(path):
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


def _opened(path):
    """The file for reading; one that may be executed but not read cannot be watched either."""
    try:
        return open(path, "rb")
    except OSError as error:
        text = "may be executed but not read, and gdb must read it: %s" % error.strerror
        raise UserError("%s: %s" % (shown(path), text), CANNOT_EXECUTE) from None


def _check_elf(path):
    """Raises UserError where the kernel would refuse it; notes on what breakpoints do to it."""
    try:
        with elf.ElfFile(path) as file:
            _check_machine(path, file)
            _check_segments(file, os.path.getsize(path))
            interpreter = file.interp
            traces = b"\0ptrace\0" in file.dynamic_strings
    except elf.ElfError as error:
        raise UserError(
            "%s: damaged ELF file: %s" % (shown(path), shown(str(error))), 126
        ) from None
    if interpreter is not None and not os.path.exists(interpreter):
        text = "its loader %s is not installed" % shown(interpreter)
        raise UserError("%s: %s" % (shown(path), text), NOT_FOUND)
    if not traces:
        return []
    text = "uses ptrace: breakpoints keep it from tracing itself; what it traces is not followed"
    return ["%s %s" % (shown(path), text)]


def _check_machine(path, file):
    if not file.is_supported:
        bits = "%d-bit " % file.elf_class if file.elf_class else ""
        text = "a %s%s program; brkpoint watches 64-bit x86-64 programs" % (bits, file.machine_name)
        raise UserError("%s: %s" % (shown(path), text), CANNOT_EXECUTE)
    if file.type not in ("EXEC", "DYN"):
        text = "an ELF file of type %s, not a program" % file.type
        raise UserError("%s: %s" % (shown(path), text), CANNOT_EXECUTE)


def _check_segments(file, size):
    loads = file.segments_of(elf.PT_LOAD)
    if not loads:
        raise elf.ElfError("it loads nothing")
    end = max(segment.offset + segment.filesz for segment in loads)
    if end > size:
        raise elf.ElfError("cut off: it loads up to byte %d of %d" % (end, size))


def _privileges(path):
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


def _has_capabilities(path):
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False
