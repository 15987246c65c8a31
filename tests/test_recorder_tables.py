"""Not all of an executable segment is code: tables in it look by chance like a system call, and
nobody may write over them (recorder/host/findings/code_bytes.h)."""

import os
import shutil
import subprocess

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, both, counted, probe

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
ONE_SEGMENT = "-Wl,-z,noseparate-code"
NO_TABLES = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]
WAYS = {
    "sections": [],
    "one segment": [ONE_SEGMENT],
    "static": [ONE_SEGMENT, "-static"],
    "no unwind tables": [ONE_SEGMENT, *NO_TABLES],
    "no section headers": [ONE_SEGMENT],
}


def without_section_headers(path, folder):
    """As sstrip leaves it: e_shoff, e_shnum and e_shstrndx are 0."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[0x28:0x30] = bytes(8)
    data[0x3C:0x40] = bytes(4)
    copy = folder / "bare"
    copy.write_bytes(data)
    copy.chmod(0o755)
    return str(copy)


needs_musl = pytest.mark.skipif(not shutil.which("musl-gcc"), reason="no musl-gcc")


def build_with_musl(folder, source, *options):
    program = str(folder / "with-musl")
    subprocess.run(["musl-gcc", "-static", "-o", program, *options, str(source)], check=True)
    return program


@pytest.mark.parametrize("way", WAYS)
def test_tables_stay_as_they_are(tmp_path, way):
    program = probe("tables.c", *WAYS[way], name="tables-" + way.replace(" ", "-"))
    if way == "no section headers":
        program = without_section_headers(program, tmp_path)
    done = both(tmp_path, [program])
    assert counted(done.history, {1009}) == {("malloc", 1009): 1}


@needs_musl
def test_tables_beside_code_without_tables(tmp_path):
    """Most of musl has no unwind tables; the program around its own table has."""
    source = os.path.join(recorder_runs.PROBES, "tables.c")
    program = build_with_musl(tmp_path, source, ONE_SEGMENT, "-O0", "-fno-builtin", "-s")
    done = both(tmp_path, [program])
    assert {event.name for event in done.history.events if event.kind == "syscall"} >= {"brk"}


@needs_musl
def test_twin_code_without_tables_is_code(tmp_path):
    """There what no number is loaded for is a system call all the same."""
    source = tmp_path / "any.c"
    source.write_text(
        "#include <unistd.h>\n#include <sys/syscall.h>\n"
        "int main(int c, char **v) { return syscall(SYS_mmap, 0, 1009 << 12, 3, 0x22, -1, 0) < 0; }"
    )
    done = both(tmp_path, [build_with_musl(tmp_path, source, "-O1")])
    found = counted(done.history, {1009 << 12}, kind="syscall")
    assert found == {("mmap", 1009 << 12): 1}
