"""Root file systems of the eras: made once by mmdebstrap, put into their place when they are whole.

A root gets its name by a rename when it is whole, and then a note beside it says of what it was
made: without the note there is no root. What was interrupted is taken away by the next maker.
"""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import json
import os
import shutil
import subprocess
import time

from . import debian, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .plan import Era

    Run = Callable[[list[str], str], int]  # (words, path of a log): its exit status
    Tell = Callable[[str], object]

_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_MOUNTED = ("brkpoint", "cell", "opt/toolchain", "proc", "dev", "tmp")
_LAST_WORDS = 8  # lines of a log that are shown


class RootError(Exception):
    """One line: why there is no such root."""


def missing() -> list[str]:
    """What this machine lacks to make and enter roots, a sentence each."""
    found = []
    if shutil.which("mmdebstrap") is None:
        found.append("mmdebstrap is missing: ./setup eras, or apt-get install mmdebstrap")
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        found.append("unshare and mount are missing: apt-get install util-linux mount")
    if os.geteuid() and not found:
        found += _missing_of_user()
    return found


def _missing_of_user() -> list[str]:
    if shutil.which("newuidmap") is None:
        return ["without root's rights newuidmap is needed: apt-get install uidmap, or run as root"]
    words = ["unshare", *_as_root(), "true"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip()
        return ["no user namespace here (%s): run as root" % said]
    return []


def _as_root() -> list[str]:
    """Options of unshare that give who is not root the rights of one, inside."""
    return ["--user", "--map-root-user", "--map-auto", "--mount"] if os.geteuid() else ["--mount"]


def is_made(era: Era) -> bool:
    """Whether there is a whole root, of the packages that the data name."""
    try:
        with open(_note(era), encoding="utf-8") as file:
            made = json.load(file)["recipe"] == _recipe(era)
        return made and os.path.isdir(places.root(era.name))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _note(era: Era) -> str:
    return places.root(era.name) + ".json"


def _recipe(era: Era) -> dict[str, Any]:
    return {"suite": era.suite, "packages": era.packages, "compilers": era.compilers}


def prepare(era: Era, tell: Tell, run: Run | None = None) -> bool:
    """Make the root of `era`, unless it is there; True where it was made now.

    `tell(text)` hears of progress. `run(words, log)`: how mmdebstrap is run; its exit status.
    Raises RootError, also for this machine, which needs none. Who comes while another makes it
    waits.
    """
    if era.suite is None:
        raise RootError("%s is this machine: it needs no root" % era.name)
    os.makedirs(os.path.dirname(places.root(era.name)), exist_ok=True)
    with _alone(places.root(era.name), tell):
        if is_made(era):
            return False
        if run is None and missing():
            raise RootError("; ".join(missing()))
        for left in (_note(era), places.root(era.name), _unfinished(era)):
            _delete(left)
        _make(era, era.suite, tell, run or _run)
        return True


@contextlib.contextmanager
def _alone(path: str, tell: Tell) -> Iterator[None]:
    """Who makes a root holds its lock, and so does mmdebstrap, should it outlive us."""
    with open(path + ".lock", "w", encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("%s: another is making it, or its mmdebstrap lives on: waiting" % path)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unfinished(era: Era) -> str:
    return places.root(era.name) + ".new"


def _make(era: Era, suite: str, tell: Tell, run: Run) -> None:
    """From the first mirror that has the suite."""
    new, log, begun = _unfinished(era), places.root(era.name) + ".log", time.monotonic()
    for mirror in debian.mirrors():
        tell("%s: making its root of %s from %s" % (era.name, suite, mirror))
        if run([*_command(era), suite, new, mirror], log) == 0:
            break
        _delete(new)
    else:
        said = "; ".join(_last_words(log))
        raise RootError("%s cannot be had: %s (all of it: %s)" % (suite, said, log))
    os.rename(new, places.root(era.name))
    with open(_note(era) + ".new", "w", encoding="utf-8") as file:
        json.dump({"recipe": _recipe(era), "mirror": mirror}, file, indent=1)
    os.rename(_note(era) + ".new", _note(era))
    tell("%s: made in %d s" % (era.name, time.monotonic() - begun))


def _command(era: Era) -> list[str]:
    """What makes its root, but for the suite, where, and from which mirror."""
    words = ["mmdebstrap", "--variant=apt", "--include=" + ",".join(era.packages)]
    words += debian.options()
    for name, packages in era.compilers.items():
        words.append("--customize-hook=" + _unpacking(name, packages))
    points = " ".join('"$1"/%s' % name for name in _MOUNTED)
    words.append("--customize-hook=mkdir -p " + points)
    return words


def _unpacking(name: str, packages: list[str]) -> str:
    """A hook's command: packages that exclude others are unpacked to a folder of their own."""
    return (
        'chroot "$1" sh -c \'set -e; cd "$(mktemp -d)"; apt-get download %s; for package in *.deb; '
        'do dpkg -x "$package" /opt/%s; done; rm -r "$PWD"\'' % (" ".join(packages), name)
    )


def _run(words: list[str], log: str) -> int:
    """Its exit status. All of it goes to the log; Ctrl-C reaches it as it does us.

    As root it has mounts of its own, which go with it, however it ends.
    """
    if not os.geteuid():
        words = ["unshare", "--mount", "--propagation", "private", *words]
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    with open(log, "wb") as file:
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(
            words, stdin=nothing, stdout=file, stderr=file, env=environment, close_fds=False
        )
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def _last_words(log: str) -> list[str]:
    with contextlib.suppress(OSError):
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.startswith(("E:", "W:", "Err:"))]
        return [line for line in lines if not line.startswith("W:")][-_LAST_WORDS:] or lines[-1:]
    return []


def _delete(path: str) -> None:
    if not os.path.lexists(path):
        return
    # Never what is mounted there; some of it may belong to users of the namespace.
    words = ["unshare", *_as_root(), "rm", "-rf", "--one-file-system", "--", path]
    subprocess.run(words if os.geteuid() else words[-5:], check=False, stderr=subprocess.DEVNULL)
    if os.path.lexists(path):
        raise RootError("%s cannot be deleted" % path)


def delete_all() -> None:
    """Roots, cells, reports, and all that was left of making them; nothing else that lies there."""
    for name in ("roots", "cells", "toolchains.json", *("report." + form for form in _FORMS)):
        _delete(os.path.join(places.folder(), name))
    with contextlib.suppress(OSError):
        os.rmdir(places.folder())


_FORMS = ("txt", "md", "json", "html")


def library(era_name: str, pattern: str) -> str | None:
    """The path inside the root of the library that fits a pattern of its name, or None."""
    folder = os.path.join(places.root(era_name), _LIBRARIES)
    with contextlib.suppress(OSError):
        names = sorted(name for name in os.listdir(folder) if fnmatch.fnmatch(name, pattern))
        if names:
            return "/%s/%s" % (_LIBRARIES, names[-1])
    return None
