"""`brkpoint export`: what is asked for wrongly, where it writes, what it says, and the list."""

import os
import pty
import subprocess

import pytest

import made_exports
import made_traces
from command import export, main
from exports import formats
from start.errors import USAGE, UserError

BRKPOINT = os.path.join(made_exports.ROOT, "brkpoint")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return made_exports.write(tmp_path_factory.mktemp("made"))


def run(*words):
    parser = main.parser_for(export)
    return export.invoke(parser.parse_args([str(word) for word in words]))


def totals_only(path):
    return made_traces.changed(
        path,
        """INSERT OR REPLACE INTO run VALUES ('keep', '"totals"')""",
        "DELETE FROM chunks",
        "DELETE FROM columns",
    )


def test_the_list_says_what_each_keeps_and_loses(capsys):
    assert run("--list") == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    told = " ".join(told.split())  # lines are folded
    for name in formats.NAMES:
        about = formats.load(name).FORMAT
        assert name in told and about.keeps in told and about.loses in told and about.opens in told
        assert about.ending.startswith(".") and "FILE" in about.opens


@pytest.mark.parametrize("name", formats.NAMES)
def test_a_file_is_written_and_what_it_loses_is_said_once(path, tmp_path, capsys, name):
    file = tmp_path / "out"
    assert run(path, "--format", name, "-o", file) == 0
    assert file.read_bytes() == made_exports.export(path, name)[0] != b""
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("brkpoint: %s loses: " % name) == 1
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("name", formats.NAMES)
def test_what_is_made_from_sums_needs_no_events(path, tmp_path, name):
    few, file = totals_only(path), tmp_path / "out"
    if formats.load(name).FORMAT.needs_events:
        with pytest.raises(UserError, match="keep totals"):
            run(few, "--format", name, "-o", file)
        assert not file.exists()
    else:
        assert run(few, "--format", name, "-o", file) == 0
        all_ = made_exports.export(path, name)[0]
        assert (file.read_bytes() == all_) == (name != "pprof")  # which tells threads by events


def test_places_need_no_events(path, tmp_path):
    assert run(totals_only(path), "--format", "csv", "--sites", "-o", tmp_path / "out") == 0


@pytest.mark.parametrize(
    "words, text",
    [
        ((), "which --format"),
        (("--format", "csv", "--measure", "peak"), "--measure is for folded"),
        (("--format", "folded", "--sites"), "--sites is for csv and ndjson"),
        (("--format", "x"), "invalid choice"),
    ],
)
def test_a_wrong_command_line_is_one_line(path, words, text):
    with pytest.raises(UserError, match=text) as caught:
        run(path, *words)
    assert caught.value.status == USAGE and "\n" not in str(caught.value)


def test_an_output_that_cannot_be_written_leaves_what_was_there(path, tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        run(path, "--format", "folded", "-o", tmp_path / "none" / "out")


def test_a_damaged_trace_leaves_the_file_as_it_was(path, tmp_path):
    file = tmp_path / "out"
    file.write_text("mine")
    damaged = made_traces.changed(path, "UPDATE columns SET base = base - 99 WHERE name = 'group'")
    with pytest.raises(UserError, match="damaged"):
        run(damaged, "--format", "csv", "-o", file)
    assert file.read_text() == "mine"


def test_a_pipe_gets_the_bytes_and_a_terminal_a_word(path):
    binary = next(name for name in formats.NAMES if formats.load(name).FORMAT.is_binary)
    words = [BRKPOINT, "export", str(path), "--format", binary]
    done = subprocess.run(words, capture_output=True)
    assert (done.returncode, done.stdout) == (0, made_exports.export(path, binary)[0])
    master, slave = pty.openpty()
    done = subprocess.run(words, stdout=slave, stderr=subprocess.PIPE)
    os.close(slave), os.close(master)
    assert done.returncode == USAGE and done.stderr.count(b"\n") == 1
    assert b"is not text for a terminal" in done.stderr
