"""Rust compilers besides those of the eras: rustup's, where there are some, and those that the user
has named. A toolchain is the folder that `rustc --print sysroot` tells."""

from __future__ import annotations

import json
import os
import re
import subprocess

from . import places

_SECONDS = 30


class ToolchainError(Exception):
    """One line: why this is none."""


def all_of() -> dict[str, str]:
    """{name: folder}: of rustup, then of the user, whose names win."""
    return dict(_of_rustup(), **_of_user())


def _of_rustup() -> dict[str, str]:
    home = os.environ.get("RUSTUP_HOME") or os.path.expanduser("~/.rustup")
    folder = os.path.join(home, "toolchains")
    found: dict[str, str] = {}
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    for name in names:
        sysroot = os.path.join(folder, name)
        if os.access(os.path.join(sysroot, "bin", "rustc"), os.X_OK):
            found["rustup-" + name.split("-x86_64")[0]] = os.path.realpath(sysroot)
    return found


def _list() -> str:
    return os.path.join(places.folder(), "toolchains.json")


def _of_user() -> dict[str, str]:
    try:
        with open(_list(), encoding="utf-8") as file:
            return {str(name): str(path) for name, path in json.load(file).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def add(rustc: str, name: str | None = None) -> str:
    """Take a compiler into the table, from now on; its name. Raises ToolchainError."""
    version, sysroot = _ask(rustc, "--version"), _ask(rustc, "--print", "sysroot")
    if not os.access(os.path.join(sysroot, "bin", "rustc"), os.X_OK):
        text = "%s has no bin/rustc below its sysroot %s: only whole toolchains can be used"
        raise ToolchainError(text % (rustc, sysroot))
    number = re.match(r"rustc (\d+\.\d+\.\d+[\w.-]*)", version)
    name = name or "rustc-" + (number[1] if number else "mine")
    known = dict(_of_user(), **{name: os.path.realpath(sysroot)})
    os.makedirs(places.folder(), exist_ok=True)
    with open(_list() + ".new", "w", encoding="utf-8") as file:
        json.dump(known, file, indent=1, sort_keys=True)
    os.rename(_list() + ".new", _list())
    return name


def _ask(rustc: str, *words: str) -> str:
    try:
        done = subprocess.run(
            [rustc, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError("%s cannot be run: %s" % (rustc, error)) from None
    said = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode:
        raise ToolchainError("%s is no rustc: %s" % (rustc, said.split("\n")[-1]))
    return said
