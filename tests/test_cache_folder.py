"""What goes where all that is kept is too much: what nobody used for longest."""

import os
import subprocess
import time

import pytest

from alloctrace import cache_folder
from command import checks

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DAY = cache_folder.MARK_S


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_folder, "MAX_FOLDER", 4000)
    monkeypatch.setattr(cache_folder, "AGAIN_S", 0)
    where = tmp_path / "brkpoint"
    where.mkdir(0o700)
    return str(where)


def put(folder, name, written, used, size=1000):
    """A file of so many days ago."""
    path, now = os.path.join(folder, name), time.time()
    with open(path, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(bytes(size))
    os.utime(path, (now - used * DAY, now - written * DAY))
    return path


def read(path):
    with open(path, "rb", opener=cache_folder.open_own) as file:
        file.read()
    return os.stat(path)


def listed(folder):
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def test_what_was_used_lately_stays(folder):
    """The oldest of all is used every day: by the time of writing alone it would go first."""
    put(folder, "code-old-and-used", 90, 0.5)
    for number in range(1, 6):
        put(folder, "symbols-%d" % number, number, number)
    cache_folder.make_room(folder)
    assert listed(folder) == ["code-old-and-used", "symbols-1", "symbols-2"]


def test_twin_nothing_goes_up_to_the_limit(folder):
    for number in range(4):
        put(folder, "tables-%d" % number, 90, 90)
    cache_folder.make_room(folder)
    assert len(listed(folder)) == 4


def test_what_is_not_ours_is_neither_counted_nor_removed(folder):
    put(folder, "notes", 90, 90, 9000)
    put(folder, "tables-1", 90, 90)
    cache_folder.make_room(folder)
    assert listed(folder) == ["notes", "tables-1"]


def test_unfinished_files_go_by_when_they_were_written(folder):
    path = put(folder, ".tables-1.7.7", 1, 0)
    put(folder, ".tables-2.7.7", 0, 0)
    cache_folder.make_room(folder)
    assert not os.path.exists(path) and os.path.exists(os.path.join(folder, ".tables-2.7.7"))


def test_use_is_marked_once_a_day(folder, monkeypatch):
    path, marks, utime = put(folder, "tables-1", 9, 9), [], os.utime
    monkeypatch.setattr(
        os, "utime", lambda path, **times: marks.append(times) or utime(path, **times)
    )
    before = os.stat(path).st_mtime_ns
    for _ in range(3):
        after = read(path)
    assert len(marks) == 1 and after.st_mtime_ns == before
    assert time.time() - after.st_atime < DAY / 2


@pytest.mark.parametrize("written, used", [(0.5, 9), (9, 0.5)])
def test_twin_what_was_used_or_written_today_is_not_marked(folder, monkeypatch, written, used):
    path = put(folder, "tables-1", written, used)
    monkeypatch.setattr(os, "utime", None)
    read(path)


def test_what_cannot_be_marked_is_read_all_the_same(folder, monkeypatch):
    def fails(*_, **__):
        raise OSError

    path = put(folder, "tables-1", 9, 9)
    monkeypatch.setattr(os, "utime", fails)
    assert read(path).st_size == 1000


def test_a_run_marks_all_that_it_uses(tmp_path):
    """Also what the recorder keeps, in C."""
    if not os.path.exists(os.path.join(TOP, "build", "recorder", "brkpoint-recorder")):
        pytest.skip("the recorder is not built: make recorder")
    where, ago = tmp_path / "cache", time.time() - 9 * DAY
    words = [os.path.join(TOP, "brkpoint"), "run", "--quiet", "--engine", "recorder", "--force"]
    words += ["-o", str(tmp_path / "t.brkpoint"), "/bin/true"]

    def run():
        subprocess.run(words, env=dict(os.environ, BRKPOINT_CACHE=str(where)), check=True)

    run()
    run()
    names = listed(where)
    kinds = (cache_folder.SYMBOLS, cache_folder.CODE, cache_folder.TABLES)
    assert all(any(name.startswith(kind) for name in names) for kind in kinds)
    put(str(where), "code-of-nothing", 9, 9)
    for name in names:
        os.utime(where / name, (ago, ago))
    run()
    unused = [name for name in listed(where) if os.stat(where / name).st_atime < ago + DAY]
    assert unused == ["code-of-nothing"]


def test_twin_a_file_that_others_may_write_is_not_opened(folder):
    path = put(folder, "tables-1", 9, 9)
    os.chmod(path, 0o622)
    with pytest.raises(PermissionError):
        read(path)


def test_room_is_made_in_no_folder_of_others(folder):
    """As under `sudo` with the home of a user: whose cache has its own limit, and its own looks."""
    for number in range(9):
        put(folder, "code-%d" % number, 1, 1)
    os.chmod(folder, 0o770)
    before = sorted(os.listdir(folder))
    cache_folder.make_room(folder)
    assert sorted(os.listdir(folder)) == before and cache_folder.LOOKED not in before
    os.chmod(folder, 0o700)
    cache_folder.make_room(folder)
    assert len(listed(folder)) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_mark_of_somebody_elses_look_does_not_stay(folder):
    mark = put(folder, cache_folder.LOOKED, 1, 1)
    os.chown(mark, 12345, -1)
    cache_folder.make_room(folder)
    assert os.stat(mark).st_uid == 0


def test_doctor_names_a_folder_that_root_has_made(folder, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    (finding,) = checks.kept_tables(folder)
    assert finding.says == "it is another user's: " + folder
    assert finding.mend == "sudo chown -R 12345 " + folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_root_is_not_told_to_take_a_users_folder(folder):
    os.chown(folder, 12345, -1)
    assert checks.kept_tables(folder) == []
