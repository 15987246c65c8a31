"""What the recorder found in a file of code, kept for the next run (recorder/host/findings/disk.h):
the same as found anew, and believed only where nobody else could have written it."""

import os
import random
import shutil
import subprocess

import pytest
import recorder_runs
from recorder_programs import SANITIZED, built
from recorder_runs import NOT_BUILT

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)


def found(folder, path, program=None):
    """["kept" or "anew", rows, digest] of the file at `path`."""
    words = [program or built("findings_kept"), str(folder), str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "cache"
    made.mkdir(mode=0o700)
    return made


def only_file(folder):
    (name,) = os.listdir(folder)
    return folder / name


def libc():
    with open("/proc/self/maps") as maps:
        return next(line.split()[5] for line in maps if "/libc.so" in line or "ld-musl" in line)


@pytest.mark.parametrize("path", ["/bin/sh", "libc", "loader"])
def test_what_is_kept_is_what_would_be_found(folder, path):
    path = {"libc": libc(), "loader": "/lib64/ld-linux-x86-64.so.2"}.get(path, path)
    first, second = found(folder, path), found(folder, path)
    assert (first[0], second[0]) == ("anew", "kept") and first[1:] == second[1:]
    assert int(first[1]) > 0
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


def test_another_file_is_not_taken_for_it(folder, tmp_path):
    """The same build id, but written since: its content may be other."""
    path = tmp_path / "program"
    shutil.copy("/bin/sh", path)
    first = found(folder, path)
    assert found(folder, path)[0] == "kept"
    data = bytearray(path.read_bytes())
    with open(path, "wb") as file:
        file.write(data)
    os.utime(path, ns=(1, 1))
    assert found(folder, path) == first
    os.utime(path, ns=(1, 1))
    assert found(folder, path)[0] == "kept"


def test_damaged_files_are_found_anew(folder):
    """At any byte, cut off, longer: the sanitizers have nothing to say, the answer is the same."""
    program, chance = built("findings_kept", SANITIZED), random.Random(7)
    right = found(folder, "/bin/sh", program)
    whole = only_file(folder).read_bytes()
    for number in range(24):
        data = bytearray(whole)
        at = chance.randrange(min(len(data), 400 if number % 2 else len(data)))
        data[at] ^= 1 << chance.randrange(8)
        if number % 10 == 0:
            data = data[:at]
        only_file(folder).write_bytes(data + b"x" * (number % 7 == 0))
        assert found(folder, "/bin/sh", program) == right, (number, at)
        assert only_file(folder).read_bytes() == whole


def open_to_the_group(folder, file):
    file.chmod(0o660)


def in_a_folder_of_all(folder, file):
    folder.chmod(0o777)


def a_link(folder, file):
    file.rename(folder / "elsewhere")
    file.symlink_to(folder / "elsewhere")


def a_pipe(folder, file):
    file.unlink()
    os.mkfifo(file, 0o600)


@pytest.mark.parametrize("spoil", [open_to_the_group, in_a_folder_of_all, a_link, a_pipe])
def test_what_others_may_have_written_is_not_believed(folder, spoil):
    right = found(folder, "/bin/sh")
    assert found(folder, "/bin/sh")[0] == "kept"
    spoil(folder, only_file(folder))
    assert found(folder, "/bin/sh") == right


def test_nothing_is_written_where_nothing_can_be(tmp_path):
    assert found(tmp_path / "none", "/bin/sh")[0] == "anew"
    assert not (tmp_path / "none").exists()
