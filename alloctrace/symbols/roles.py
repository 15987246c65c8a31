"""Whose file a module is: the program, the loader, the system's, the user's."""

from __future__ import annotations

import os

from alloctrace.elf.image import ElfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alloctrace.elf.elf import ElfFile
    from alloctrace.model import Module

# Where the dynamic loader looks without being told (ld.so(8)), and the folders beneath.
SYSTEM_FOLDERS: tuple[str, ...] = ("/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FOLDERS += tuple("/usr" + folder for folder in SYSTEM_FOLDERS)


def role(
    module: Module,
    elf: ElfFile | None,
    user_libs: Sequence[str] = (),
    system_libs: Sequence[str] = (),
) -> str:
    """executable | loader | vdso | system | user. `elf`: the module's ElfFile, or None."""
    if module.role == "vdso" or module.path.startswith(("[vdso", "linux-vdso")):
        return "vdso"
    if module.role == "loader" or _says(elf, _is_glibc_loader):
        return "system" if _says(elf, _is_libc_too) else "loader"
    if module.role == "executable" or _says(elf, _is_program):
        return "executable"
    if _matches(module.path, user_libs):
        return "user"
    if _matches(module.path, system_libs) or _is_under_system_folder(module.path):
        return "system"
    return "user"


def _says(elf: ElfFile | None, question: Callable[[ElfFile], bool]) -> bool:
    """The answer of a file; no where there is none, or a damaged one."""
    try:
        return elf is not None and question(elf)
    except ElfError:
        return False


def _is_glibc_loader(elf: ElfFile) -> bool:
    """Also when it was started as the program: `ld-linux PROGRAM`."""
    return (elf.soname or "").startswith("ld-linux")


def _is_libc_too(elf: ElfFile) -> bool:
    """musl: loader and libc are one file, so that origin must look at the function."""
    return elf.function("__libc_start_main") is not None


def _is_program(elf: ElfFile) -> bool:
    """A program that the loader was told to start is no library, as it may look to an engine."""
    return elf.type == "EXEC" or elf.is_pie


def _matches(path: str, patterns: Sequence[str]) -> bool:
    if not patterns:
        return False
    import fnmatch  # only now: who names no folders need not wait for it

    name = os.path.basename(path)
    return any(fnmatch.fnmatch(path, p) or fnmatch.fnmatch(name, p) for p in patterns)


def _is_under_system_folder(path: str) -> bool:
    """Both as written and with links resolved (/lib is a link to /usr/lib on most systems)."""
    real = os.path.realpath(path)
    return any(real.startswith(folder + "/") for folder in SYSTEM_FOLDERS)
