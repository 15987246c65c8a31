"""The engine of engine_by_number.py that never hears of a hit: its test can fail."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import engine_by_number  # noqa: E402

engine_by_number.syscalls.ByNumber.hit_count = 0
engine_by_number.main.leave(engine_by_number.main.main(engine_by_number.ByNumber))
