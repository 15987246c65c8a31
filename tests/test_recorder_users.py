"""Programs that run as another user: followed where we may; else they run as ever, and that is
said."""

import os
import shutil
import stat
import subprocess
import tempfile

import pytest
import recorder_runs
from recorder_runs import NOT_BUILT, TOP, alone, both, counted, probe, recorded

from reports import sentences
from summary_fake import FakeTrace
from alloctrace.summary.summary import summarise

NOBODY = 65534
AS_NOBODY = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
as_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root may become others"
)


def become_nobody():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def is_reached_by_nobody():
    words = [*AS_NOBODY, "test", "-r", os.path.join(TOP, "start", "launch.py")]
    return subprocess.run(words).returncode == 0


@pytest.fixture
def open_folder():
    """One that everybody may write to: pytest's own are ours alone."""
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def privileged(open_folder):
    """`id` as a set-user-ID program of root's."""
    path = os.path.join(open_folder, "privileged")
    shutil.copy("/usr/bin/id", path)
    os.chmod(path, 0o4755)
    assert os.stat(path).st_mode & stat.S_ISUID
    if not is_reached_by_nobody():
        pytest.skip("another user may not read this copy of brkpoint")
    if alone([path, "-u"], prepare=become_nobody).out != b"0\n":
        pytest.skip("set-user-ID programs get nothing here")
    return path


@as_root
def test_one_that_has_become_another_user(tmp_path, open_folder):
    path = os.path.join(open_folder, "execs")
    shutil.copy(probe("execs.c"), path)
    done = both(tmp_path, [*AS_NOBODY, path, "child"])
    assert counted(done.history, (1019,)) == {("malloc", 1019): 1}


@as_root
def test_root_follows_a_set_user_id_program(tmp_path, privileged):
    done = both(tmp_path, ["setpriv", "--reuid", str(NOBODY), privileged, "-u"])
    assert done.out == b"0\n"
    assert [image["path"] for image in done.history.images][-1] == privileged


def followed_by_nobody(folder, words):
    """(what it printed, programs that were not seen) of a run that a normal user started."""
    done = recorded(folder, words, prepare=become_nobody)
    assert done.status == 0 and done.history.lost == 0
    return done.out, [row["program"] for row in done.history.unfollowed]


@as_root
def test_a_set_user_id_program_keeps_its_privileges(open_folder, privileged):
    """It is not traced, for that would take them; what did not see it says so."""
    words = ["bash", "-c", '"$0" -u; nosuch.program; cd "${0%/*}" && ./privileged -u', privileged]
    seen = followed_by_nobody(open_folder, words)
    assert seen == (b"0\n0\n", [privileged, "./privileged"])


@as_root
def test_one_that_gains_nothing_is_followed(open_folder, privileged):
    """The same file where the kernel gives no privileges, and one without any."""
    words = ["setpriv", "--no-new-privs", "bash", "-c", '"$0" -u; id -u', privileged]
    assert followed_by_nobody(open_folder, words) == (b"%d\n%d\n" % (NOBODY, NOBODY), [])


def test_programs_not_seen_are_no_events():
    rows = [{"pid": 7, "program": "/bin/su", "reason": "of \x1b"}] * 3 + [{"pid": 1, "program": 3}]
    summary = summarise(FakeTrace(programs_not_seen=4, unfollowed=rows, complete=False))
    text = "\n".join(sentences.warnings(summary))
    assert summary["programs_not_seen"] == 4 and summary["events_lost"] == 0
    head = "4 programs not seen, nor what they started: no number below is about them"
    assert text.startswith(head)
    assert "/bin/su: of \\x1b (3 times)" in text and "lost" not in text
    assert "not seen" not in "\n".join(sentences.warnings(summarise(FakeTrace())))
