"""The quick half of tests/real/: real programs end as alone, and every witness agrees.

What the whole costs is for `make test-real`: a test machine is too busy to be asked.
"""

import argparse
import os
import sys

import pytest
import recorder_runs

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "real"))
import programs  # noqa: E402
import rows  # noqa: E402

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)
OPTIONS = argparse.Namespace(repeat=1, limit=60, witnesses=True, keep=None)


@pytest.mark.parametrize("program", programs.chosen((), quick=True), ids=lambda one: one.name)
def test_as_alone_and_as_the_witnesses(program, tmp_path):
    why = program.missing()
    if why:
        pytest.skip(why)
    os.chmod(tmp_path, 0o755)
    row = rows.row_of(program, OPTIONS, str(tmp_path))
    assert [text for check, text in row["complaints"] if check != "costs_little"] == []
