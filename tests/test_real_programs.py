"""The quick half of tests/real/: real programs end as alone, and every witness agrees.

What the whole costs is for `make test-real`: a test machine is too busy to be asked.
"""

import os
import sys

import pytest
import recorder_runs

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "real"))
import programs  # noqa: E402
import run  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT),
    pytest.mark.skipif(
        not os.environ.get("BRKPOINT_REAL"),
        reason="some minutes: BRKPOINT_REAL=1, or make test-real",
    ),
]


@pytest.mark.parametrize("program", programs.chosen((), quick=True), ids=lambda one: one.name)
def test_as_alone_and_as_the_witnesses(program, tmp_path):
    why = program.missing()
    if why:
        pytest.skip(why)
    options = run.parse(["--repeat", "1"])
    os.chmod(tmp_path, 0o755)
    row = run.row_of(program, options, str(tmp_path))
    assert [text for check, text in row["complaints"] if check != "costs_little"] == []
