"""Passes over large arrays in C: `libbrkpoint-kernels.so`, a library built with the recorder.

Each pass stands in Python too, where it is used: that is the reference (tests/test_kernels.py
compares them), and what serves where the library is not built, was built for other files than
these, or is damaged. A pass gets arrays and numbers, and says 0 or more; less than 0: the arrays
contradict each other, and Python's own loop is to say how. None of them keeps an address.
"""

from __future__ import annotations

import os
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any, Union

    Given = Union[int, bytes, bytearray, "array[int]"]

NAME = "libbrkpoint-kernels.so"
# Each pass with what it is given, as recorder/kernels/kernels.h explains it. A change of this text
# is a change of its version: a library that was built before it is not used.
PASSES = {
    # stacks
    "walked": "parents pcs marks first at met count stacks what groups images whats",
    "placed": "parents marks at count numbers pairs calls places kinds",
    "grown": "parents marks at count calls starts pieces places cuts deep most"
    " made begins called outer frame_of has_cut",
    "named": "parents frame_of count has_name frames found",
    "ends": "parents count found",
    "picked": "values size at count found",
    "are_next": "ids parents count first",
    "used": "nodes rows count found",
    "unions": "parents frame_of count of_frame frames own owns width found rows room",
    "said": "parents frame_of count says frames keys whats kinds nodes rows keyed words found",
    "wholes": "parents numbers count found",
    "answered": "parents numbers count starts states keys values edges"
    " begins hashes answers many wholes roots questions asked kinds of nodes within rows"
    " found todo",
    "leaps": "parents found count leap",
    # sums.c
    "kinds": "whats verdicts purposes withins frames count kind_of firsts around most",
    "added": "column kind_of count totals number",
    "deciders": "parents frame_of nodes leaps leap silent in_loader has_name frames"
    " begins verdict_of count decided verdicts found",
    # questions
    "asking_alike": "what verdict within there count alike whose names is_call whats verdicts numbers"
    " firsts",
    "askers": "kinds verdict nodes count is_asker kinds_count decided verdicts parents alike"
    " nodes_count numbers firsts",
    "makers": "questions count asked known members members_size events things numbers firsts",
    # columns
    "unpack": "data length shapes columns count rows wanted found",
    "marked": "data length shapes count table size rows marks",
    "gather": "column size rows count width found",
}
FEWEST = 500  # rows: for less, a pass is not worth its call
_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_PLACES = ("build/recorder/" + NAME, "recorder/" + NAME)
_library: Any = None
_is_sought = False


def version() -> int:
    """Of the passes: what is said here and there must be of one build."""
    with open(os.path.realpath(__file__), "rb") as file:
        return zlib.crc32(file.read())


def use(library: Any) -> None:
    """This one from now on; None: none."""
    global _library, _is_sought
    _library, _is_sought = library, True


def find() -> Any:
    """The library, None where there is none of this build."""
    import ctypes  # only now: who reads a small trace needs none

    for place in _PLACES:
        try:
            found = ctypes.CDLL(os.path.join(_TOP, place))
            found.kernels_version.restype = ctypes.c_uint32
            return found if found.kernels_version() == version() else None
        except (OSError, AttributeError):
            continue
    return None


def run(name: str, *given: Given) -> int | None:
    """Call a pass; None: there is no library. An array is handed over by its address: the pass
    knows its length from a number that is given too, and may write to it."""
    if not _is_sought:
        use(find())
    if _library is None:
        return None
    from ctypes import c_char, c_char_p, c_int64, c_void_p

    words: list[Any] = []
    assert len(given) == len(PASSES[name].split()), name
    for value in given:
        if isinstance(value, int):
            words.append(c_int64(value))
        elif isinstance(value, bytes):  # to be read
            words.append(c_char_p(value))
        elif isinstance(value, bytearray):
            words.append((c_char * len(value)).from_buffer(value))
        else:
            words.append(c_void_p(value.buffer_info()[0]))
    call = getattr(_library, name)
    call.restype = c_int64
    found: int = call(*words)
    return found
