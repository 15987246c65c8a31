"""At a terminal: Ctrl-C, Ctrl-Z and reading in the background are as without brkpoint."""

import os
import signal
import time

import pytest

import launching
from launching import Terminal, name_of, report, state_of

pytestmark = pytest.mark.skipif(bool(launching.needed), reason="needs %s" % launching.needed)


@pytest.fixture(scope="module")
def waiter(tmp_path_factory):
    return launching.build(tmp_path_factory.mktemp("wait"), "wait", "-O1", "-pthread")


def test_ctrl_c_reaches_the_target_once(waiter, tmp_path):
    words = launching.watched(waiter, b"count", trace=tmp_path / "t.brkpoint")
    terminal = Terminal(words)
    terminal.expect(b"ready")
    for times in (1, 2, 3):  # two that come while one waits are one
        terminal.type(b"\x03")
        terminal.expect(b"counted", times)
    time.sleep(0.3)  # there is no fourth
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.status() == 3


def test_ctrl_c_ends_a_target_that_does_not_care(waiter, tmp_path):
    terminal = Terminal(launching.watched(waiter, b"wait", trace=tmp_path / "t.brkpoint"))
    terminal.expect(b"ready")
    terminal.type(b"\x03")
    assert terminal.status() == 130
    assert b"interrupted by SIGINT" in terminal.text
    summary = report(tmp_path)
    assert summary["exit"] == {"kind": "signalled", "status": 2} and not summary["complete"]


def test_ctrl_z_stops_and_continues(waiter, tmp_path):
    """Under an interactive shell: it reports the stop, `fg` continues, and all end."""
    shell = Terminal([b"/bin/bash", b"--norc", b"--noediting", b"-i"])
    words = launching.watched(waiter, b"count", trace=tmp_path / "t.brkpoint")
    shell.type(b" ".join(words) + b"; echo status=$?\n")
    shell.expect(b"ready")
    shell.type(b"\x1a")
    shell.expect(b"Stopped")
    (target,) = [pid for pid in launching.descendants(shell.pid) if name_of(pid) == "wait"]
    launching.wait_for(lambda: state_of(target) in b"tT")
    shell.type(b"fg\n")
    launching.wait_for(lambda: state_of(target) == b"S")
    shell.type(b"\x03")
    shell.expect(b"counted")
    os.kill(target, signal.SIGTERM)
    shell.type(b"echo do''ne\n")
    shell.expect(b"done")
    assert launching.gone([target])
    shell.type(b"exit\n")
    assert shell.status() == 0


def test_reading_the_terminal_in_the_background_stops(tmp_path):
    """As without brkpoint: the shell says so, and `fg` lets it read."""
    shell = Terminal([b"/bin/bash", b"--norc", b"--noediting", b"-i"])
    words = launching.watched(b"/bin/cat", trace=tmp_path / "t.brkpoint")
    shell.type(b" ".join(words) + b" &\n")
    launching.wait_for(lambda: "cat" in map(name_of, launching.descendants(shell.pid)))
    (target,) = [pid for pid in launching.descendants(shell.pid) if name_of(pid) == "cat"]
    (parent,) = [pid for pid in launching.descendants(shell.pid) if name_of(pid) == "brkpoint"]
    launching.wait_for(lambda: state_of(parent) == b"T")
    shell.type(b"fg\n")
    launching.wait_for(lambda: state_of(parent) == b"S")
    shell.type(b"hel'lo\n")
    shell.expect(b"hel'lo\r\nhel'lo\r\n")  # the terminal's echo and cat's
    shell.type(b"\x04")
    assert launching.gone([target])
    shell.type(b"exit\n")
    assert shell.status() == 0
