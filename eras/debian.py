"""Debian's packages from where this machine's own apt has them, and what apt was told besides."""

from __future__ import annotations

import re
import subprocess

PUBLIC = "http://deb.debian.org/debian"
ARCHIVE = "http://archive.debian.org/debian"  # where releases go that are no longer supported
_TOLD = re.compile(
    r'^(Acquire::(?:Check-Valid-Until|Check-Date|https?::(?:Proxy|Verify-\w+|CaInfo)) ".+");$', re.M
)


def mirrors() -> list[str]:
    """Addresses to try, in this order, each once."""
    found = mirrors_in(_says("apt-get", "indextargets", "--format", _FORMAT, *_FILTER))
    return list(dict.fromkeys([*found, PUBLIC, ARCHIVE]))


_FORMAT = "$(REPO_URI) $(COMPONENT) $(LABEL)"
_FILTER = ("Created-By: Packages", "Origin: Debian")


def mirrors_in(text: str) -> list[str]:
    """Of the lines of indextargets the addresses of Debian itself, not of its security updates."""
    rows = [line.split(" ", 2) for line in text.splitlines() if line.count(" ") >= 2]
    return [uri.rstrip("/") for uri, component, label in rows if (component, label) == _MAIN]


_MAIN = ("main", "Debian")


def options() -> list[str]:
    """What mmdebstrap's apt is to be told as well: of proxies, and of a clock that is wrong."""
    return options_in(_says("apt-config", "dump"))


def options_in(text: str) -> list[str]:
    return ["--aptopt=%s" % line for line in _TOLD.findall(text)]


def _says(*command: str) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:  # another system than Debian
        return ""
    return done.stdout.decode("utf-8", "replace")
