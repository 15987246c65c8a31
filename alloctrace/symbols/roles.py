"""Whose file a module is: the program, the loader, the system's, the user's."""

from __future__ import annotations

import os

from alloctrace.elf.image import ElfError

# Where the dynamic loader looks without being told (ld.so(8)), and the folders beneath.
SYSTEM_FOLDERS = ("/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FOLDERS += tuple("/usr" + folder for folder in SYSTEM_FOLDERS)


def role(module, elf, user_libs=(), system_libs=()):
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


def _says(elf, question):
    """The answer of a file; no where there is none, or a damaged one."""
    try:
        return elf is not None and question(elf)
    except ElfError:
        return False


def _is_glibc_loader(elf):
    """Also when it was started as the program: `ld-linux PROGRAM`."""
    return (elf.soname or "").startswith("ld-linux")


def _is_libc_too(elf):
    """musl: loader and libc are one file, so that origin must look at the function."""
    return elf.function("__libc_start_main") is not None


def _is_program(elf):
    """A program that the loader was told to start is no library, as it may look to an engine."""
    return elf.type == "EXEC" or elf.is_pie


def _matches(path, patterns):
    if not patterns:
        return False
    import fnmatch  # only now: who names no folders need not wait for it

    name = os.path.basename(path)
    return any(fnmatch.fnmatch(path, p) or fnmatch.fnmatch(name, p) for p in patterns)


def _is_under_system_folder(path):
    """Both as written and with links resolved (/lib is a link to /usr/lib on most systems)."""
    real = os.path.realpath(path)
    return any(real.startswith(folder + "/") for folder in SYSTEM_FOLDERS)
