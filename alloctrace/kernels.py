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
# Each pass with what it is given, as recorder/kernels/kernels.h explains it; of an array behind the
# colon the bytes of an item. A change of this text is a change of its version: a library that was
# built before it is not used.
PASSES = {
    # stacks
    "walked": "parents:4 pcs:8 marks:1 first:4 at:4 met:4 count stacks:8 what:4 groups"
    " images:4 whats",
    "placed": "parents:4 marks:1 at:4 count numbers:4 pairs calls:1 places kinds:4",
    "grown": "parents:4 marks:1 at:4 count calls:1 starts:4 pieces:4 places cuts deep"
    " most made begins:4 called:4 outer:4 frame_of:4 has_cut:1",
    "named": "parents:4 frame_of:4 count has_name:1 frames found:4",
    "ends": "parents:4 count found:4",
    "picked": "values:4 size at:4 count found:4",
    "are_next": "ids:4 parents:4 count first",
    "used": "nodes:8 rows count found:4",
    "unions": "parents:4 frame_of:4 count of_frame:4 frames own:8 owns width found:4"
    " rows:8 room",
    "said": "parents:4 frame_of:4 count says:4 frames keys:4 whats kinds:4 nodes:4 rows"
    " keyed words found:1",
    "wholes": "parents:4 numbers:4 count found:8",
    "answered": "parents:4 numbers:4 count starts:4 states keys:4 values:4 edges begins:4"
    " hashes:8 answers:4 many wholes:8 roots:4 questions asked:4 kinds of:4"
    " nodes:4 within:4 rows found:4 todo:4",
    "leaps": "parents:4 found:4 count leap",
    # sums.c
    "kinds": "whats:4 verdicts:4 purposes:4 withins:4 frames:4 count kind_of:4 firsts:4"
    " around:4 most",
    "added": "column:8 kind_of:4 count totals:8 number",
    "deciders": "parents:4 frame_of:4 nodes leaps:4 leap silent:1 in_loader:1 has_name:1"
    " frames begins:4 verdict_of:4 count decided:8 verdicts found:4",
    # questions
    "asking_alike": "what:4 verdict:4 within:4 there:4 count alike:4 whose:4 names:4"
    " is_call:1 whats verdicts numbers:4 firsts:4",
    "askers": "kinds:4 verdict:4 nodes:4 count is_asker:1 kinds_count decided:4 verdicts"
    " parents:4 alike:4 nodes_count numbers:4 firsts:4",
    "makers": "questions:4 count asked:1 known members:1 members_size events:8 things:4"
    " numbers:4 firsts:4",
    # columns
    "unpack": "data:1 length shapes:8 columns count rows:4 wanted found:8",
    "marked": "data:1 length shapes:8 count table:1 size rows:4 marks:1",
    "gather": "column size rows:4 count width found",
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


def paths() -> list[str]:
    """Where the library may be: what its passes find rests on it as on code."""
    return [os.path.join(_TOP, place) for place in _PLACES]


def find() -> Any:
    """The library, None where there is none of this build."""
    import ctypes  # only now: who reads a small trace needs none

    for path in paths():
        try:
            found = ctypes.CDLL(path)
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
    wanted = PASSES[name].split()
    assert len(given) == len(wanted), name
    for value, what in zip(given, wanted):
        _, _, size = what.partition(":")
        if size and size != str(getattr(value, "itemsize", size)):
            return None  # an array of a trace that was read may be narrower; bytes are any
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
