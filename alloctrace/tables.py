"""Tables of this project, data/*.ini: sections of `key = value`, `#` begins a comment line.

They are read at every start: plain dicts, as configparser would give them, in a fourth of its time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # a start does not pay for what only types need
    from collections.abc import Iterable, Mapping
    from typing import Any, Optional


class TableError(Exception):
    """A rule table of this project is malformed: ours, with the section that is wrong."""


def read(path: str) -> dict[str, dict[str, str]]:
    """{section: {key: value}} of the file at `path`."""
    with open(path, encoding="utf-8") as file:
        return parse(file)


def parse(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """The same of lines; one that is indented goes on with the value above."""
    found: dict[str, dict[str, str]] = {}
    section: Optional[dict[str, str]] = None
    key: Optional[str] = None
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if line[0].isspace() and key and section is not None:
            section[key] += "\n" + text
        elif text.startswith("["):
            section, key = _new(found, text.strip("[]"), {}), None
        else:
            key, equals, value = map(str.strip, text.partition("="))
            if section is None or not equals:
                raise TableError("no `key = value` in a section: %s" % text)
            _new(section, key, value)
    return found


def _new(known: dict[str, Any], key: str, value: Any) -> Any:
    if key in known:
        raise TableError("[%s] is there twice" % key)
    known[key] = value
    return value


def is_yes(section: Mapping[str, str], key: str) -> bool:
    """Of a key whose value is yes or no; no where it is not there."""
    value = section.get(key, "no")
    if value not in ("yes", "no"):
        raise TableError("%s = %s: neither yes nor no" % (key, value))
    return value == "yes"
