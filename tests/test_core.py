"""What a core of a program would hold of the memory of the recorder: nothing of its 1.6 GiB."""

import re

import launching
import pytest
import recorder_runs
from recorder_runs import NOT_BUILT

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ .*?(\S*)$")


def test_the_recorders_memory_is_kept_out_of_cores(tmp_path):
    words = launching.watched(
        b"cat", b"/proc/self/smaps", options=[b"--engine", b"recorder"], trace=tmp_path / "t"
    )
    flags, name = {}, None
    for line in launching.run(words).out.decode().splitlines():
        found = _MAPPING.match(line)
        name = found.group(1) if found else name
        if "brkpoint-recorder" in line:
            name = "ours"
        if line.startswith("VmFlags:"):
            flags.setdefault(name, []).append(" dd" in line)  # proc(5): do not include in a core
    assert flags["ours"] and all(flags["ours"])
    assert not any(flags["[stack]"])
