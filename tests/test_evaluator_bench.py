"""The benchmark of the evaluator: its sets, its peers, and what it says. Times are not tested."""

import os
import re
import subprocess

import pytest

import evaluator_command

ROOT = evaluator_command.ROOT
SETS = ("smallest", "twenty", "manual", "repeated-64", "repeated-1100")


def build(folder, **environ):
    """The benchmark, without the original: cargo would ask the network."""
    program = folder / "bench-evaluator"
    environ = dict(os.environ, CARGO="false", **environ)
    command = ["evaluator/bench/build.sh", program, "build/libmexe.a"]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)
    return program, (folder / "bench-evaluator.parts" / "skipped.txt").read_text()


def run(program, *words):
    return subprocess.run([program, *words], stdout=subprocess.PIPE, check=True).stdout.decode()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    evaluator_command.build()
    return build(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def bench(built):
    return built[0]


def test_the_twenty_have_the_shapes_of_the_originals(bench):
    texts = run(bench, "-l", "twenty").splitlines()
    lengths = [len(text) for text in texts]
    assert len(texts) == 20 and round(sum(lengths) / 20) == 205
    assert lengths[0] == 5 and lengths[9] == 1160 and max(lengths) == lengths[19] == 1993
    numbers = [re.findall(r"[\d.]+", text) for text in texts]
    assert all(re.fullmatch(r"\d{1,3}", number) for row in numbers[:10] for number in row)
    assert {len(n) - 1 for row in numbers[10:] for n in row} == {6, 7, 8, 9, 10}
    shapes = [re.sub(r"[\d.]+", "N", text) for text in texts]
    assert shapes[:10] == shapes[10:]
    assert len(re.match(r"\(*", texts[9])[0]) == 30


def test_the_sets_are_the_same_each_time_and_different_within(bench):
    texts = run(bench, "-l", "different-64").splitlines()
    assert texts == run(bench, "-l", "different-64").splitlines()
    assert len(set(texts)) == len(texts) == 16411
    assert sum(map(len, texts)) // len(texts) in range(60, 68)
    (long,) = run(bench, "-l", "long-repeated").splitlines()
    assert {len(n) - 1 for n in re.findall(r"[\d.]+", long)[:-1]} == {17, 18, 19}


def test_mexe_says_what_the_yardstick_says_and_calls_no_allocator(bench):
    said = run(bench, "-q", *SETS)
    rows = re.findall(r"^  (mexe|yardstick) (.*)$", said, re.M)
    assert len(rows) == 2 * len(SETS)
    for _, row in rows:
        assert row.split()[3] == "0" and "other" not in row
    assert said.count("wanted:") == 2
    assert re.findall(r"^(\S+): ", said, re.M) == list(SETS)


def test_the_table_for_the_manual(bench):
    head, marks, *rows = run(bench, "-m", "smallest").splitlines()[2:]
    columns = [cell.strip() for cell in head.strip("|").split("|")]
    assert columns[:6] == [
        "expressions", "ns each", "MB/s", "heap calls", "times the yardstick", "wanted",
    ]  # fmt: skip
    assert {line.count("|") for line in (head, marks, *rows)} == {len(columns) + 1}
    assert len(rows) == 1 and rows[0].split("|")[6].strip() == "4.3"


def test_an_allocator_that_is_called_is_counted(built):
    """The negative twin: muParser calls it, more often for more."""
    program, skipped = built
    if "muparser" in skipped:
        pytest.skip("no muParser here")
    said = run(program, "-q", "smallest", "manual")
    small, large = (float(row.split()[3]) for row in re.findall(r"^  muParser (.*)$", said, re.M))
    assert 0 < small < large


def test_what_cannot_be_had_is_skipped_with_a_word(tmp_path):
    evaluator_command.build()
    program, skipped = build(tmp_path, CXX="false")
    assert skipped.count("skipped: ") == 3 and "the original (crate mexe)" in skipped
    assert "apt-get install libmuparser-dev" in skipped
    assert "yardstick" in run(program, "-q", "smallest")


def test_a_set_that_does_not_exist(bench):
    done = subprocess.run([bench, "nonsense"], stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"there are: smallest" in done.stderr
