"""How much of its own memory the recorder leaves out of what a program has resident."""

import subprocess

import pytest
from recorder_programs import built


def test_equals_smaps():
    """Touched, shared and only read memory; of memory that nobody touched there is nothing."""
    told = subprocess.run([built("resident")], capture_output=True, text=True, check=True).stdout
    if "unknown" in told:
        pytest.skip("this kernel has no PAGEMAP_SCAN (Linux 6.7)")
    rows = {name: (asked, smaps) for name, asked, smaps in map(str.split, told.splitlines())}
    assert sorted(rows) == ["never", "read", "shared", "touched"]
    assert all(asked == smaps for asked, smaps in rows.values()), told
    assert rows["touched"][0] == rows["shared"][0] == str((1000 + 6) // 7 * 4)
    assert rows["never"][0] == "0"
