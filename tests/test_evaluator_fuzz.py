"""Seconds of libFuzzer with its sanitizers, more of them in CI; `make fuzz-evaluator`: a minute."""

import os
import re
import shutil
import subprocess

import pytest

from evaluator_library import ROOT, make

SECONDS = 15 if os.environ.get("CI") else 5


@pytest.fixture(scope="module")
def fuzzer():
    try:
        make("build/evaluator-tests/fuzz")
    except subprocess.CalledProcessError:
        assert not os.environ.get("CI"), "CI installs what the fuzzer needs"
        pytest.skip("clang, or its libFuzzer, is not here (package libclang-rt-dev)")
    return os.path.join(ROOT, "build", "evaluator-tests", "fuzz")


def run(command, folder):
    """(status, output) of make; not as a part of the make that runs the tests."""
    environ = dict(os.environ, MAKEFLAGS="")
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=folder, env=environ, **streams)
    return done.returncode, done.stdout.decode(errors="replace")


def test_nothing_is_found(fuzzer, tmp_path):
    command = ["make", "-s", "fuzz-evaluator", "FUZZ_SECONDS=%d" % SECONDS]
    command += [
        "FUZZ_CORPUS=%s" % (tmp_path / "corpus"),
        "FUZZ_ARGS=-artifact_prefix=%s/" % tmp_path,
    ]
    status, said = run(command, ROOT)
    assert status == 0, said[-3000:]
    assert int(re.search(r"number_of_executed_units: (\d+)", said).group(1)) > 1000 * SECONDS


def test_a_mistake_is_found(fuzzer, tmp_path):
    """The twin: a mexe that takes 1 - 1 for 1 + 1, and the same fuzzer."""
    for path in ("evaluator", "evaluator/tests"):
        os.makedirs(str(tmp_path / path), exist_ok=True)
        for name in os.listdir(os.path.join(ROOT, path)):
            if os.path.isfile(os.path.join(ROOT, path, name)):
                shutil.copy(os.path.join(ROOT, path, name), str(tmp_path / path / name))
    header = tmp_path / "evaluator" / "pending.h"
    header.write_text(header.read_text().replace("{ONE | SIGN}", "{ONE}"))
    command = ["make", "-s", "-f", "evaluator/build.mk", "fuzz-evaluator", "FUZZ_SECONDS=60"]
    status, said = run(command, tmp_path)
    assert status != 0 and "differs" in said and "deadly signal" in said
