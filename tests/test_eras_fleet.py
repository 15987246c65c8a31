"""Eras: handing cells to GNU parallel, for many machines to share. No root is made here."""

import os
import shutil
import subprocess

import pytest

from command import main
from eras import places, plan


@pytest.fixture(autouse=True)
def no_compilers_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "eras"))
    monkeypatch.setenv("RUSTUP_HOME", str(tmp_path / "none"))


def test_the_file_of_commands(capsys):
    assert (
        main.main(["eras", "cells", "--commands", "musl", "debian-12/grow@mmap_threshold-128K"])
        == 0
    )
    assert capsys.readouterr().out.splitlines() == [
        "./brkpoint eras run musl/c-empty",
        "./brkpoint eras run musl/c-static",
        "./brkpoint eras run musl/c-alloc",
        "./brkpoint eras run musl/grow",
        "./brkpoint eras run musl/thread",
        "./brkpoint eras run debian-12/grow@mmap_threshold-128K",
    ]
    assert main.main(["eras", "cells", "nothing"]) == 2


FAKE_SSH = """#!/bin/sh
# ssh HOST COMMAND: the command runs here, and the host is noted.
while [ "${1#-}" != "$1" ]; do shift; done
host=$1; shift
[ "$1" != -- ] || shift
HOST=$host exec sh -c "$*"
"""
FAKE_BRKPOINT = """#!/bin/sh
sleep 0.2
mkdir -p "build/eras/cells/$3"
echo "$HOST $3" > "build/eras/cells/$3/cell.json"
[ "$3" != musl/grow ] # this cell fails
"""


@pytest.fixture
def fleet(tmp_path):
    """Runs the rest of a command of parallel on two hosts that are this machine, whose product is
    in the folder `there`; (exit status, {cell: host} of the results below a folder)."""
    (tmp_path / "there").mkdir()
    (tmp_path / "bin").mkdir()
    for name, script in (("bin/ssh", FAKE_SSH), ("there/brkpoint", FAKE_BRKPOINT)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    path = "%s:%s" % (tmp_path / "bin", os.environ["PATH"])

    def share(where, *rest, text=""):
        words = ["parallel", "--will-cite", "--sshlogin", "1/one,1/two"]
        words += ["--workdir", str(tmp_path / "there"), *rest]
        # Without SHELL, parallel takes the interpreter that started it, which is Python here.
        environment = dict(os.environ, HOME=str(tmp_path), PATH=path, SHELL="/bin/sh")
        done = subprocess.run(
            words, cwd=tmp_path, input=text, capture_output=True, text=True, env=environment
        )
        results = (tmp_path / where).glob("build/eras/cells/*/*/cell.json")
        return done.returncode, dict(reversed(path.read_text().split()) for path in results)

    return share


no_parallel = pytest.mark.skipif(not shutil.which("parallel"), reason="no GNU parallel (./setup)")


@no_parallel
def test_two_hosts_share_the_cells(fleet, tmp_path, capsys):
    """What docs/eras.md shows."""
    main.main(["eras", "cells", "--commands", "musl"])
    (tmp_path / "cells").write_text(capsys.readouterr().out)
    status, ran = fleet("there", "::::", "cells")
    assert status == 1  # as many as have failed
    assert sorted(ran) == sorted(cell.name for cell in plan.read().chosen(["musl"]))
    assert set(ran.values()) == {"one", "two"}


@no_parallel
@pytest.mark.skipif(not shutil.which("rsync"), reason="no rsync (./setup)")
def test_results_come_back_from_two_hosts_also_of_what_failed(fleet, capsys):
    words = ["musl", "debian-12/grow@mmap_threshold-128K"]
    main.main(["eras", "cells", *words])
    names = capsys.readouterr().out
    rest = ["--return", "build/eras/cells/{}/cell.json", "./brkpoint eras run {}"]
    assert fleet("none", text="")[1] == {}
    status, ran = fleet(".", *rest, text=names)
    assert (status, sorted(ran)) == (1, sorted(names.split()))
    assert set(ran.values()) == {"one", "two"}
