"""brkpoint -p PID and whose process it is: another user's, where the kernel allows less (yama), one
that has its parent's memory."""

import os
import signal
import subprocess

import pytest
import recorder_runs
from attaching import Attached, totals, traced_by, until
from engine_runs import compile_c

from start import attachable
from start.errors import UserError

NOBODY = 65534
OTHER = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
PROGRAM = """
import sys
print("begun", flush=True)
for line in sys.stdin:
    print(sum(len(bytes(9000)) for _ in range(500)), flush=True)
"""


@needs_root
@pytest.mark.skipif(not recorder_runs.BUILT, reason=recorder_runs.NOT_BUILT)
def test_root_watches_another_users_process(tmp_path):
    words = ["/usr/bin/python3", "-I", "-c", PROGRAM]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, text=True, cwd="/", **OTHER, **pipes) as program:
        assert program.stdout.readline() == "begun\n"
        attached = Attached(tmp_path, program.pid)
        program.stdin.write("go\n")
        program.stdin.flush()
        assert program.stdout.readline() == "4500000\n"
        status, said = attached.leave()
        assert status == 0, said
        until(lambda: traced_by(program.pid) == {})
        assert os.stat("/proc/%d" % program.pid).st_uid == NOBODY
        program.stdin.close()
        assert program.wait(300) == 0
    assert totals(attached.report(), "calloc") >= 500  # that is how bytes() asks


def said_as_nobody(pid):
    """What `check` says to a user who is not root."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            attachable.check(pid)
            text = "it may"
        except UserError as error:
            text = str(error)
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        text = file.read().decode()
    os.waitpid(child, 0)
    return text


@needs_root
def test_a_user_is_told_whose_process_it_is():
    with subprocess.Popen(["/bin/sleep", "60"]) as roots:
        assert said_as_nobody(roots.pid) == (
            "process %d is another user's: sudo brkpoint -p %d" % (roots.pid, roots.pid)
        )
        roots.kill()
    with subprocess.Popen(["/bin/sleep", "60"], **OTHER) as own:
        until(lambda: os.stat("/proc/%d" % own.pid).st_uid == NOBODY)
        assert said_as_nobody(own.pid) == "it may"
        own.kill()


@pytest.mark.parametrize(
    "scope, says",
    [
        (0, "`brkpoint doctor` says why"),
        (1, "one's own children only (kernel.yama.ptrace_scope is 1): sudo brkpoint -p"),
        (2, "one's own children only (kernel.yama.ptrace_scope is 2): sudo brkpoint -p"),
        (3, "until the next boot (kernel.yama.ptrace_scope is 3)"),
    ],
)
def test_yama_is_named_with_what_helps(tmp_path, monkeypatch, scope, says):
    (tmp_path / "scope").write_text("%d\n" % scope)
    monkeypatch.setattr(attachable, "_SCOPE", str(tmp_path / "scope"))
    owner = os.stat("/proc/self").st_uid or 1000
    monkeypatch.setattr(attachable.os, "geteuid", lambda: owner)
    monkeypatch.setattr(attachable.os, "stat", lambda path: os.stat_result([0] * 4 + [owner] * 6))
    assert says in attachable.not_permitted(os.getpid())


VFORK = """
#include <unistd.h>
int main(void) { if (vfork() == 0) { sleep(60); _exit(0); } return 0; }
"""


def test_a_child_that_has_its_parents_memory_is_refused(tmp_path):
    with subprocess.Popen([compile_c(tmp_path, VFORK)]) as parent:
        children = "/proc/%d/task/%d/children" % (parent.pid, parent.pid)
        until(lambda: read(children))
        child = int(read(children))
        until(lambda: read("/proc/%d/comm" % child) == read("/proc/%d/comm" % parent.pid))
        with pytest.raises(UserError, match=r"memory of its parent, %d.*brkpoint -p" % parent.pid):
            attachable.check(child)
        attachable.check(parent.pid)  # which has its own
        os.kill(child, signal.SIGKILL)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()
