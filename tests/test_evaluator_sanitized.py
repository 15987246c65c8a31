"""build/mexe once more, built so that every wrong step ends it: address and undefined behaviour."""

import glob
import os
import shutil
import subprocess

import pytest

from evaluator_command import ROOT

FLAGS = ["-g", "-O1", "-DMUST_HOLD", "-std=c11", "-ffp-contract=off", "-fno-sanitize-recover=all"]
LINES = [b"1+1", b"", b"1/3", b"\x00", b"(", b"1" * 70000, b"1+" * 70000 + b"1", b"(" * 200000]


@pytest.fixture(scope="module")
def mexe(tmp_path_factory):
    program = str(tmp_path_factory.mktemp("sanitized") / "mexe")
    sources = glob.glob(ROOT + "/evaluator/*.c") + glob.glob(ROOT + "/evaluator/command/*.c")
    sources = [name for name in sources if "avx2" not in os.path.basename(name)]
    sanitizers = ["-fsanitize=address,undefined", "-I" + ROOT + "/evaluator"]
    command = ["gcc", *FLAGS, *sanitizers, "-o", program, *sources]
    if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("gcc cannot build with sanitizers here")
    return program


def run(*words, given=b""):
    """Standard output, as lines; a sanitizer has nothing to say."""
    done = subprocess.run(words, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode in (0, 1, 2), done.stderr.decode()
    assert b"runtime error" not in done.stderr and b"Sanitizer" not in done.stderr
    return done.stdout.splitlines()


def test_lines_of_every_length(mexe):
    results = run(mexe, given=b"\n".join(LINES))
    assert len(results) == len(LINES)
    assert results[:3] == [b"2", b"", b"0.3333333333333333"]
    assert results[5:] == [b"inf", b"70001", b"error"]


def test_arguments_and_files(mexe, tmp_path):
    path = tmp_path / "text"
    for text in (b"", b"1", b"1+" * 2048, b"1+" * 2047 + b"11"):
        path.write_bytes(text)
        assert len(run(mexe, "-f", path)) == 1
    assert run(mexe, "-f", "/dev/stdin", given=b"(1)") == [b"1"]
    assert run(mexe, "", "1", "2 2") == [b"error", b"1", b"error"]
    assert run(mexe, "-f") == [] and run(mexe, "--version") != []


def test_printing(mexe):
    numbers = ["1/%d" % (3**n) for n in range(1, 60)] + ["%d.5" % 7**n for n in range(60)]
    numbers += ["0." + "0" * n + "17" for n in range(0, 330, 7)] + ["1" + "0" * 308, "5/0"]
    assert b"error" not in run(mexe, given="\n".join(numbers).encode())


def test_a_broken_rule_is_named(tmp_path):
    """As in must.h: here no limit is a whole number of levels, and is never met."""
    folder = shutil.copytree(ROOT + "/evaluator", tmp_path / "evaluator")
    text = (folder / "run.h").read_text()
    rule = "memory->base + (memory->limit - memory->base) / LEVEL * LEVEL"
    assert rule in text
    (folder / "run.h").write_text(text.replace(rule, "memory->limit"))
    sources = [*folder.glob("*.c"), *folder.glob("command/*.c")]
    sources = [path for path in sources if "avx2" not in path.name]
    program = str(tmp_path / "mexe")
    words = ["-std=c11", "-ffp-contract=off", "-DMUST_HOLD", "-I" + str(folder)]
    subprocess.run(["gcc", *words, "-o", program, *sources], check=True)
    done = subprocess.run([program, "1+(" * 1000], capture_output=True)
    assert done.returncode == -6
    assert b"broken rule: an open parenthesis is kept where there is room" in done.stderr
    assert subprocess.run([program, "1+(2)"], capture_output=True).stdout == b"3\n"
