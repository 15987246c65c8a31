"""A program that makes its parent its tracer (start/traced.py) goes on with its signals, as where
nobody traces it; how it ends is its own doing."""

import os

import launching
import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, probe

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
ENDS = {"": 5, "exec": 6, "trap": 128 + 5, "sent": 128 + 5, "kill": 128 + 15, "stop": 5}


@pytest.mark.parametrize("how", ENDS)
def test_it_goes_on(tmp_path, how):
    words = [os.fsencode(probe("self_traced.c")), how.encode()]
    options = [b"--engine", b"recorder"]
    done = launching.run(launching.watched(*words, options=options, trace=tmp_path / "t.brkpoint"))
    assert (done.status, done.out) == (ENDS[how], b"got 3\n"), done.err
    report = launching.report(tmp_path)
    assert report["complete"] == (how != "exec")  # who execs is traced by brkpoint: it is said
    assert ("another program traces it" in str(report)) == (how == "exec")
