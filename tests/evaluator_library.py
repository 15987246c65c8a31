"""build/libmexe.so, called from Python, and the tests of evaluator/tests. No pytest here."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess

from making import ROOT, make

PROGRAMS = os.path.join(ROOT, "build", "evaluator-tests")
STATUSES = (
    "OK EMPTY WANTS_OPERAND WANTS_OPERATOR WANTS_DIGIT BAD_BYTE NOT_OPENED NOT_CLOSED TOO_DEEP"
).split()
UNTOUCHED = 0.1234567


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("position", ctypes.c_size_t)]


def load():
    make("build/libmexe.so")
    library = ctypes.CDLL(os.path.join(ROOT, "build", "libmexe.so"))
    library.mexe_sentence.restype = ctypes.c_char_p
    return library


def bits(value):
    return struct.pack("<d", value)


def outcome(status, value, error):
    """(status, position, value): None for the value where the caller's was left alone."""
    assert error.status == status
    untouched = bits(value.value) == bits(UNTOUCHED)
    return STATUSES[status], error.position, None if untouched else value.value


def evaluate(library, text):
    value, error = ctypes.c_double(UNTOUCHED), Error(77, 77)
    call = library.mexe_eval
    size = ctypes.c_size_t(len(text))
    status = call(text, size, ctypes.byref(value), ctypes.byref(error))
    return outcome(status, value, error)


def evaluate_in(library, text, room):
    """The same within ROOM bytes of scratch memory, whose neighbours stay as they are."""
    value, error = ctypes.c_double(UNTOUCHED), Error(77, 77)
    scratch = ctypes.create_string_buffer(b"\xa5" * (room + 32), room + 32)
    inner = ctypes.c_void_p(ctypes.addressof(scratch) + 16)
    sizes = ctypes.c_size_t(len(text)), ctypes.c_size_t(room)
    status = library.mexe_eval_in(
        text, sizes[0], ctypes.byref(value), ctypes.byref(error), inner, sizes[1]
    )
    assert scratch.raw[:16] == scratch.raw[-16:] == b"\xa5" * 16
    return outcome(status, value, error)


def run(program, *words, **options):
    """A test program; its CompletedProcess, with text for both outputs."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    words = [os.path.join(PROGRAMS, program), *map(str, words)]
    return subprocess.run(words, universal_newlines=True, timeout=600, **options)
