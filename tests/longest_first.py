"""The files of tests that take minutes begin: whoever gets one last would work alone in the end.

`pytest --durations=30` shows which these are; the order among the others stays. What needs the same
recordings (tests/target_recordings.py) does not begin at once: one would wait for the other.
"""

from __future__ import annotations

FILES = (
    "test_cross_check_targets.py",
    "test_recorder_code.py",
    "test_recorder_sanitizers.py",
    "test_recorder_equal.py",
    "test_targets.py",
    "test_evaluator_random.py",
    "test_article_here.py",
    "test_launch_end.py",
    "test_attach.py",
    "test_recorder_safety.py",
    "test_page_browser.py",
    "test_check_runs.py",
    "test_bad_input.py",
    "test_history_c.py",
    "test_export_runs.py",
    "test_layouts.py",
    "test_witness_counter.py",
    "test_witness_strace.py",
)


def place(item):
    """Where an item's file stands."""
    name = item.path.name
    return FILES.index(name) if name in FILES else len(FILES)
