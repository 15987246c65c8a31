"""A folder for one program: what it is given, and where it runs, the same path each time."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess

from programs import INPUTS

# What a program may need of the caller's environment; all else is made here.
KEPT = ("PATH", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN", "JAVA_HOME")


class Place:
    """`here`: where the program runs, made anew for each run from `made`. `out`: what we keep."""

    def __init__(self, folder, program):
        self.program, self.folder = program, folder
        self.made, self.here, self.temporary, self.home, self.out = (
            os.path.join(folder, name) for name in ("made", "here", "tmp", "home", "out")
        )
        self.cache = os.path.join(folder, "cache")
        self.values = {"PORT": str(_free_port()), "HERE": self.here}
        for path in (self.made, self.out, self.cache):
            os.makedirs(path)
        self._make_input()

    def _make_input(self):
        """The input, made where it will be used: some programs keep the path."""
        os.makedirs(self.here)
        if self.program.input:
            source = os.path.join(INPUTS, self.program.input)
            shutil.copytree(source, self.here, dirs_exist_ok=True)
        self._prepare_folders()
        if self.program.make:
            script = "set -e\n" + self.program.make
            words = self.as_user(["sh", "-c", script])
            done = subprocess.run(words, cwd=self.here, env=self.environment(), **_QUIET)
            if done.returncode:
                raise RuntimeError("its input cannot be made: %s" % done.stdout[-400:].strip())
        shutil.rmtree(self.made)
        os.rename(self.here, self.made)

    def _prepare_folders(self):
        for path in (self.temporary, self.home):
            shutil.rmtree(path, ignore_errors=True)
            os.makedirs(path)
        if self.user:
            for path in (self.here, self.temporary, self.home, self.out, self.cache):
                os.chown(path, self.user.pw_uid, self.user.pw_gid)

    @property
    def user(self):
        """The entry of the user to run it as, None for ourselves."""
        wanted = self.program.user
        return None if wanted == "-" or os.getuid() else pwd.getpwnam(wanted)

    def as_user(self, words):
        return ["setpriv", "--reuid", self.program.user, "--clear-groups", *words] if self.user \
            else words  # fmt: skip

    def fresh(self):
        """`here` as the input was made, and nothing in the folders for temporary files."""
        shutil.rmtree(self.here, ignore_errors=True)
        subprocess.run(["cp", "-a", self.made, self.here], check=True)
        self._prepare_folders()

    def environment(self, **more):
        """What the program gets, the same in each run but for `more`."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        own_home = os.path.expanduser("~")
        for name in ("rustup", "cargo"):
            path = os.path.join(own_home, "." + name)
            if os.path.isdir(path) and not self.user:
                kept.setdefault(name.upper() + "_HOME", path)
        seeds = {"PERL_HASH_SEED": "0", "PYTHONHASHSEED": "0"}
        folders = {"HOME": self.home, "TMPDIR": self.temporary}
        folders["BRKPOINT_CACHE"] = self.cache  # also alone: some programs count their variables
        return dict(kept, LANG="C.UTF-8", TZ="UTC", **seeds, **folders, **self.values, **more)

    def files(self):
        """What lies in its folders: {path with numbers and random letters as #}."""
        found = set()
        for top in (self.here, self.temporary):
            for folder, _, names in os.walk(top):
                found.update(os.path.relpath(os.path.join(folder, n), self.folder) for n in names)
        return {re.sub(r"[0-9a-f]{6,}|\d+", "#", name) for name in found}


_QUIET = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.STDOUT,
    "text": True,
    "errors": "replace",
    "timeout": 300,
}


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
