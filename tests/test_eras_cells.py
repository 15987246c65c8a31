"""Eras: making roots and running cells. No root is made here."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys

import pytest
from made_eras import TARGET, eras

from command import main
from eras import cell as eras_cell, debian, places, plan, roots, toolchains
from launching import wait_for
from target_programs import ROOT

ERA = plan.Era("old", "oldest", ["gcc", "gdb"], {"rustc-x": ["rustc-x", "libx"]}, "build")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Nothing of this is written into the clone."""
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "eras"))
    monkeypatch.setenv("RUSTUP_HOME", str(tmp_path / "none"))
    monkeypatch.setattr(debian, "_says", lambda *command: "")  # apt takes a second
    return tmp_path / "eras"


# ---- roots ---------------------------------------------------------------------------------------


class Maker:
    """In mmdebstrap's place: makes a folder, or fails, or is interrupted in the middle."""

    def __init__(self, *ends):
        self.ends, self.commands = list(ends), []

    def __call__(self, words, log):
        self.commands.append(words)
        new, end = words[-2], self.ends.pop(0) if self.ends else 0
        assert not os.path.exists(new)  # what was left is taken away before
        os.makedirs(os.path.join(new, "usr"))
        with open(log, "w", encoding="utf-8") as file:
            file.write("I: begun\nE: no such suite: oldest\n")
        if end == "interrupted":
            raise KeyboardInterrupt
        return end


def said():
    heard = []
    return heard, heard.append


def test_a_root_is_made_once():
    maker, (heard, tell) = Maker(), said()
    assert roots.prepare(ERA, tell, maker) is True
    assert roots.prepare(ERA, tell, maker) is False
    assert len(maker.commands) == 1 and roots.is_made(ERA)
    assert "old: making its root of oldest" in heard[0] and re.search(r"made in \d+ s", heard[1])
    words = maker.commands[0]
    assert words[0] == "mmdebstrap" and "--include=gcc,gdb" in words and words[-3] == "oldest"
    assert any("apt-get download rustc-x libx" in word and "/opt/rustc-x" in word for word in words)


def test_this_machine_needs_no_root():
    with pytest.raises(roots.RootError, match="old is this machine"):
        roots.prepare(ERA._replace(suite=None), print, Maker(0))


def test_an_interrupted_root_is_no_root_and_is_made_anew():
    with pytest.raises(KeyboardInterrupt):
        roots.prepare(ERA, print, Maker("interrupted"))
    assert os.path.isdir(places.root("old") + ".new") and not roots.is_made(ERA)
    assert roots.prepare(ERA, print, Maker()) is True
    assert roots.is_made(ERA) and not os.path.exists(places.root("old") + ".new")


def test_a_root_without_its_note_or_of_other_packages_is_made_anew():
    roots.prepare(ERA, print, Maker())
    os.unlink(places.root("old") + ".json")  # interrupted between the two renames
    assert not roots.is_made(ERA)
    assert roots.prepare(ERA, print, Maker()) is True
    other = ERA._replace(packages=["gcc"])
    assert not roots.is_made(other) and roots.prepare(other, print, Maker()) is True
    shutil.rmtree(places.root("old"))
    assert not roots.is_made(other)


def test_the_next_mirror_is_asked_and_then_the_last_words_are_told():
    maker = Maker(1, 0)
    roots.prepare(ERA, print, maker)
    assert len({words[-1] for words in maker.commands}) == 2
    with pytest.raises(roots.RootError, match="oldest cannot be had: E: no such suite"):
        roots.prepare(ERA._replace(packages=["x"]), print, Maker(*[1] * 9))
    assert not os.path.exists(places.root("old")) and not os.path.exists(
        places.root("old") + ".new"
    )


def test_an_era_that_cannot_be_had_is_left_out_and_the_others_are_made(monkeypatch, capsys):
    other = ERA._replace(name="new")
    made = plan.Plan([ERA, other], [TARGET], [])
    monkeypatch.setattr(plan, "read", lambda known: made)

    def prepare(era, tell):
        if era is ERA:
            raise roots.RootError("oldest cannot be had")
        return True

    monkeypatch.setattr(roots, "prepare", prepare)
    assert main.main(["eras", "prepare"]) == 0
    assert "old is left out: oldest cannot be had" in capsys.readouterr().err
    assert main.main(["eras", "prepare", "old"]) != 0
    assert main.main(["eras", "prepare", "nowhere"]) == 2


def test_what_is_missing_is_told(monkeypatch):
    monkeypatch.setattr(
        roots.shutil, "which", lambda name: None if name == "mmdebstrap" else "/" + name
    )
    assert "mmdebstrap is missing" in " ".join(roots.missing())
    with pytest.raises(roots.RootError, match="mmdebstrap is missing"):
        roots.prepare(ERA, print)


def test_clean_takes_everything_away(folder):
    roots.prepare(ERA, print, Maker())
    assert main.main(["eras", "clean"]) == 0
    assert not os.path.exists(folder)
    roots.prepare(ERA, print, Maker())
    (folder / "of-the-user").write_text("")
    for action in ("clean", "report"):
        assert main.main(["eras", action, "old"]) == 2  # not all of it, where a part is named
    assert roots.is_made(ERA)
    assert main.main(["eras", "clean"]) == 0
    assert os.listdir(folder) == ["of-the-user"]


def test_a_root_is_not_made_twice_at_a_time(folder):
    """Not even where who made it was killed, and mmdebstrap lives on: it holds the lock."""
    with roots._alone(str(folder.parent / "x"), print):
        sleeper = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with open(folder.parent / "x.lock") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        sleeper.kill()
        sleeper.wait()
    with open(folder.parent / "x.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# ---- cells ---------------------------------------------------------------------------------------

BUILD = "gcc -O0 -o {out} {source}"


def three():
    """A plan whose first cell cannot be built, whose second lacks something, whose third runs."""
    known = eras("here")
    made = [
        TARGET._replace(name="broken", lines={"build": "gcc -no-such-option {source} -o {out}"}),
        TARGET._replace(
            name="lacking", lines={"build": BUILD}, needs="false", lacks="no such thing"
        ),
        TARGET._replace(name="other", lines={"build": BUILD}, shows="false", lacks="it is another"),
        TARGET._replace(name="whole", lines={"build": BUILD}),
    ]
    return plan.Plan(known.eras, made, [])


@pytest.mark.parametrize("line", ["gcc {unknown}", "gcc { -o", "gcc {} -o {out}"])
def test_a_line_with_other_braces_fails_in_its_cell(line):
    cell = plan.Plan(eras("here").eras, [TARGET._replace(lines={"build": line})], []).cells[0]
    told = eras_cell.run(cell)
    assert told["state"] == "failed" and told["why"].endswith("for a brace: " + line)


def test_what_is_wrong_in_a_cell_stays_in_it(monkeypatch, capsys):
    made = three()
    monkeypatch.setattr(plan, "read", lambda known: made)
    assert main.main(["eras", "run"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[5].rstrip(",") for line in lines] == ["failed", "left", "left", "done"]
    results = {cell.target.name: eras_cell.read(cell) for cell in made.cells}
    assert "no-such-option" in results["broken"]["why"]
    assert (
        results["lacking"]["why"] == "no such thing" and results["other"]["why"] == "it is another"
    )
    assert results["whole"]["state"] == "done" and results["whole"]["complete"]
    stamps = [os.path.exists(os.path.join(places.cell(c.name), "done")) for c in made.cells]
    assert stamps == [False, True, True, True]  # make runs anew what failed
    assert sum(e["count"] for e in results["whole"]["entries"] if e["origin"] == "loader") > 20
    assert main.main(["eras", "run", "whole"]) == 0
    assert main.main(["eras", "report"]) == 0
    assert "1 cell in 1 era: 1 cell failed.\n" in capsys.readouterr().out


def test_a_program_that_fails_gives_no_figures():
    build = "echo 'int main(void) {{ return 3; }}' | gcc -x c -o {out} -"
    cell = plan.Plan(eras("here").eras, [TARGET._replace(lines={"build": build})], []).cells[0]
    told = eras_cell.run(cell)
    assert (told["state"], told["why"]) == ("failed", "the program exited: status 3")
    assert "entries" not in told


def test_a_part_of_a_run_gives_no_figures():
    whole = {"complete": True, "events_lost": 0, "exit": {"kind": "exited", "status": 0}}
    eras_cell._check_whole(whole)
    for more, why in (
        ({"complete": False, "incomplete_because": "gdb died"}, "incomplete: gdb died"),
        ({"events_lost": 7}, "7 events were lost"),
        ({"exit": {"kind": "signalled", "status": 11}}, "signalled: status 11"),
        ({"exit": {"kind": "unknown", "status": None}}, "unknown: status None"),
    ):
        with pytest.raises(eras_cell.CellError, match=why):
            eras_cell._check_whole(dict(whole, **more))


def test_an_interrupted_cell_is_made_anew(monkeypatch):
    """Also where it had a result before."""
    cell = plan.Plan([ERA], [TARGET], []).cells[0]
    stamp = os.path.join(places.cell(cell.name), "done")
    eras_cell.run(cell)
    assert eras_cell.read(cell) and os.path.exists(stamp)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(eras_cell, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        eras_cell.run(cell)
    assert eras_cell.read(cell) is None and not os.path.exists(stamp)


def test_what_outlives_the_shell_of_a_step_is_ended(monkeypatch, folder):
    """It holds the pipe, so that the step has not ended: nothing is left behind."""
    monkeypatch.setattr(eras_cell, "_SECONDS", 4)
    cell = eras("here").cells[0]
    os.makedirs(places.cell(cell.name))
    with pytest.raises(eras_cell.CellError, match="nothing after 4 s"):
        eras_cell.Place(cell).run("sleep 1000 & echo $! > left")
    with open(os.path.join(places.cell(cell.name), "left"), encoding="utf-8") as file:
        pid = file.read().strip()
    wait_for(lambda: not is_running(pid))


ENDED = """
import os, sys
sys.path.insert(0, %r)
from command import main
from eras import cell
step = "sleep 1000 & echo $! > left; sleep 1; kill -TERM %%d; wait" %% os.getpid()
cell._run = lambda cell, place: place.run(step)
sys.exit(main.main(["eras", "run", "musl/c-empty"]))
"""


def test_who_ends_it_ends_what_runs_in_the_cell():
    """As GNU parallel does with a job that is to stop."""
    words = [sys.executable, "-c", ENDED % ROOT]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "brkpoint: interrupted\n")
    with open(os.path.join(places.cell("musl/c-empty"), "left"), encoding="utf-8") as file:
        pid = file.read().strip()
    wait_for(lambda: not is_running(pid))


def is_running(pid):
    """A zombie is not."""
    with contextlib.suppress(OSError):
        with open("/proc/%s/stat" % pid, encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


def test_a_cell_whose_era_has_no_root_is_left_out():
    cell = plan.Plan([ERA], [TARGET], []).cells[0]
    told = eras_cell.run(cell)
    assert (told["state"], told["why"]) == (
        "left out",
        "old has no root: brkpoint eras prepare old",
    )


def test_without_a_result_there_is_no_report(capsys):
    assert main.main(["eras", "report"]) != 0
    assert "no cell was run yet" in capsys.readouterr().err


def test_a_result_of_another_cell_is_none(folder):
    cell = eras("here").cells[0]
    os.makedirs(places.cell(cell.name))
    for text in ("{", "[]", '{"cell": "other", "state": "done"}', '{"cell": "here/one"}'):
        with open(os.path.join(places.cell(cell.name), eras_cell.RESULT), "w") as file:
            file.write(text)
        assert eras_cell.read(cell) is None


# ---- toolchains ----------------------------------------------------------------------------------


def fake_rustc(folder, text):
    (folder / "bin").mkdir(parents=True)
    path = folder / "bin" / "rustc"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def test_a_compiler_of_ones_own_is_in_the_table(tmp_path, capsys):
    top = tmp_path / "mine"
    rustc = fake_rustc(top, '[ "$1" = --version ] && echo "rustc 1.57.0 (x)" || echo %s\n' % top)
    assert main.main(["eras", "add-rust", rustc]) == 0
    assert toolchains.all_of() == {"rustc-1.57.0": str(top)}
    main.main(["eras", "cells", "rustc-1.57.0"])
    assert "debian-11/rust-empty@rustc-1.57.0" in capsys.readouterr().out.split()
    assert main.main(["eras", "add-rust", rustc, "a/b"]) == 2
    for name in ("rustc", "rustc-web", "musl", "rust-empty", "start", "jemalloc"):
        assert main.main(["eras", "add-rust", rustc, name]) == 2  # else it stood for the era's own
    assert list(toolchains.all_of()) == ["rustc-1.57.0"]
    assert main.main(["eras", "add-rust", rustc, "mine"]) == 0


@pytest.mark.parametrize("text", ["exit 1\n", "echo /nonexistent\n"])
def test_what_is_no_compiler_is_told(tmp_path, text):
    assert main.main(["eras", "add-rust", fake_rustc(tmp_path / "x", text)]) == 2
    assert toolchains.all_of() == {}


def test_compilers_of_rustup_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTUP_HOME", str(tmp_path))
    fake_rustc(tmp_path / "toolchains" / "stable-x86_64-unknown-linux-gnu", "")
    (tmp_path / "toolchains" / "empty").mkdir()
    assert list(toolchains.all_of()) == ["rustup-stable"]


def test_make_runs_each_cell_that_has_no_result_and_no_other(folder):
    """In the folder that the user has chosen."""
    (folder / "cells" / "musl" / "c-empty").mkdir(parents=True)
    (folder / "cells" / "musl" / "c-empty" / "done").write_text("")
    words = ["make", "-n", "eras-cells"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    found = re.findall(r"brkpoint eras run '([^']+)'", done.stdout)
    wanted = {cell.name for cell in plan.read().cells} - {"musl/c-empty"}
    assert sorted(found) == sorted(wanted)
    assert len(found) > 100
