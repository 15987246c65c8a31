"""/proc/PID/maps and /proc/PID/stat as plain values. proc(5), "/proc/[pid]/maps" and "stat"."""

from __future__ import annotations


from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    # One line of maps. `path` is bytes, unescaped; b"" for anonymous memory, b"[heap]" and the
    # like.
    class Mapping(NamedTuple):
        start: int
        end: int
        perms: str
        offset: int
        inode: int
        path: bytes

else:
    Mapping = namedtuple("Mapping", "start end perms offset inode path")


def parse_maps(data: bytes) -> list[Mapping]:
    """The mappings in `data` (bytes of /proc/PID/maps), lowest address first."""
    return [_parse_line(line) for line in data.split(b"\n") if line]  # a name may hold \r


def _parse_line(line: bytes) -> Mapping:
    fields = line.split(None, 5)
    start, end = (int(word, 16) for word in fields[0].split(b"-"))
    path = fields[5] if len(fields) > 5 else b""
    path = path.replace(b"\\012", b"\n")  # all that the kernel escapes: show_map_vma, fs/proc
    return Mapping(start, end, fields[1].decode(), int(fields[2], 16), int(fields[4]), path)


def parse_faults(data: bytes) -> tuple[int, int]:
    """(minor, major) page faults of the process and its threads, from /proc/PID/stat."""
    after_name = data[data.rindex(b")") + 2 :].split()
    return int(after_name[7]), int(after_name[9])


def parse_sizes(data: bytes, page_size: int) -> tuple[int, int]:
    """(mapped, resident) bytes from /proc/PID/statm."""
    total, resident = data.split()[:2]
    return int(total) * page_size, int(resident) * page_size
