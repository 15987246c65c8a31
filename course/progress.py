"""What a reader has done, in a file of their own: $XDG_STATE_HOME/brkpoint/course.json."""

from __future__ import annotations

import contextlib
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VARIABLE = "XDG_STATE_HOME"
LARGEST = 1 << 20
FOLDER = "brkpoint-course"  # of the reader's copies, where they first asked


def place() -> str:
    """The path of the file."""
    base = os.environ.get(VARIABLE) or ""
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.local/state")
    return os.path.join(base, "brkpoint", "course.json")


class Progress:
    """`of(lesson)`: {"step", "done", "answers"}. `trouble`: why nothing can be kept, or ""."""

    def __init__(self, path: str | None = None) -> None:
        self.path, self.trouble = path or place(), ""
        self._all = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            with open(self.path, encoding="utf-8") as file:
                found = json.loads(file.read(LARGEST))
        except OSError:
            return {}
        except ValueError:
            with contextlib.suppress(OSError):  # it may be of use to its owner
                os.replace(self.path, self.path + ".damaged")
            return {}
        return found if isinstance(found, dict) else {}

    def of(self, name: str) -> dict[str, Any]:
        lessons = self._all.setdefault("lessons", {})
        if not isinstance(lessons, dict):
            lessons = self._all["lessons"] = {}
        found: dict[str, Any] = lessons.setdefault(name, {})
        if not isinstance(found, dict) or not isinstance(found.get("answers", {}), dict):
            lessons[name] = found = {}
        return found

    def note(self, name: str, **facts: Any) -> None:
        self.of(name).update(facts)
        self.write()

    @property
    def folder(self) -> str:
        """Where the reader's copies are: as they said first, else here."""
        said = self._all.get("folder")
        if isinstance(said, str) and os.path.isdir(said):
            return said
        return os.path.join(os.getcwd(), FOLDER)

    def use(self, folder: str) -> None:
        """From now on the copies are there; raises OSError where it cannot be made."""
        os.makedirs(folder, exist_ok=True)
        self._all["folder"] = os.path.abspath(folder)
        self.write()

    def write(self) -> None:
        made = "%s.%d" % (self.path, os.getpid())
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(made, "w", encoding="utf-8") as file:
                file.write(json.dumps(self._all, indent=1, sort_keys=True) + "\n")
            os.replace(made, self.path)
        except OSError as error:
            self.trouble = "what you have done cannot be kept: %s: %s" % (self.path, error.strerror)
            with contextlib.suppress(OSError):
                os.unlink(made)
