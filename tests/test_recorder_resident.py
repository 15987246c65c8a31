"""How much of its own memory the recorder leaves out of what a program has resident."""

import os
import subprocess

import pytest
import verbs
from recorder_programs import built


TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BRKPOINT = os.path.join(TOP, "brkpoint")


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


@pytest.mark.parametrize("where", ["-no-pie", "-pie", "-static"])
def test_both_engines_count_the_same_mappings(tmp_path, where):
    """Wherever the recorder's code lies: nothing of the program counts as ours."""
    source, program = tmp_path / "large.c", tmp_path / "large"
    source.write_text("static char room[3 << 20]; int main(void) { room[5] = 1; return 0; }")
    subprocess.run(["gcc", where, "-fPIE" if where == "-pie" else "-O0", "-o", program, source])
    seen = []
    for engine in ("breakpoints", "recorder"):
        trace = tmp_path / engine
        words = ["run", "--quiet", "--engine", engine, "-o", trace, program]
        subprocess.run([BRKPOINT, *words], check=True)
        asked = "select phase, mapped_bytes, mappings from borders order by number"
        seen.append(verbs.said("sql", trace, asked))
    assert seen[0] == seen[1] and int(seen[0].split()[-2]) > 3 << 20
