"""Building the targets: what is missing is said, in CI it fails, and twice builds once."""

import os
import subprocess

import pytest

import target_programs
from target_programs import MAKE, ROOT

NOTHING = ["CC=/none/cc", "CXX=/none/c++", "NASM=/none/nasm", "MUSL_GCC=/none/cc"]
NOTHING += ["RUSTC=/none/rustc"]


def make(*words, **environment):
    return subprocess.run(
        MAKE + list(words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict({k: v for k, v in os.environ.items() if k != "CI"}, **environment),
    )


def test_without_a_compiler_everything_is_skipped_and_said(tmp_path):
    out = "TARGETS_OUT=%s" % tmp_path
    done = make("targets", out, *NOTHING)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 6 and all(line.startswith("skipped: ") for line in lines)
    assert (tmp_path / "skipped.txt").read_text().splitlines() == lines
    assert (tmp_path / "programs.tsv").read_text() == ""


def test_in_ci_the_same_is_a_failure(tmp_path):
    done = make("targets", "TARGETS_OUT=%s" % tmp_path, *NOTHING, CI="true")
    assert done.returncode != 0 and "CI: nothing may be skipped" in done.stdout


def test_one_missing_compiler_skips_its_targets_only():
    done = make("skipped", "NASM=/none/nasm")
    line = next(line for line in done.stdout.splitlines() if "nasm" in line)
    assert line == "skipped: brk mmap success_asm: no nasm (apt-get install nasm)"
    listed = make("programs", "NASM=/none/nasm").stdout
    assert "success_asm" not in listed and "targets/c/success.c" in listed


def _times():
    folder = os.path.join(ROOT, "build", "targets")
    return {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(folder)}


def test_the_second_time_builds_nothing():
    target_programs.build()
    before = _times()
    target_programs.build()
    after = _times()
    after["skipped.txt"] = before["skipped.txt"]  # written each time: it is the answer
    assert after == before


def test_a_changed_source_is_built_again(tmp_path):
    """The twin: the check above would notice a product that was built."""
    target_programs.build()
    path = os.path.join(ROOT, "targets", "c", "leak.c")
    done = make("-W", path, "-W", "targets/c/leak.c", "-n", "build/targets/leak")
    assert "targets/c/leak.c" in done.stdout


@pytest.mark.parametrize("name", ["success", "plugin.so"])
def test_every_program_listed_has_a_source_and_a_command(name):
    target_programs.build()
    assert os.path.exists(os.path.join(ROOT, "build", "targets", name))
    for program in target_programs.programs():
        assert all(os.path.exists(os.path.join(ROOT, source)) for source in program.sources)
        assert os.path.exists(os.path.join(ROOT, program.command[-1]))
