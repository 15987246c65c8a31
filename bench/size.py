"""How much a benchmark does: with BRKPOINT_BENCH=small in the environment as little as shows that
it runs (tests/test_bench.py); else what its figures need.
"""

import os


def of(usual, small):
    """The one of the two that is wanted."""
    return small if os.environ.get("BRKPOINT_BENCH") == "small" else usual
