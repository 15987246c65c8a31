"""`brkpoint report` over traces on disk."""

from __future__ import annotations

import argparse
import json

import pytest

from command import report
from start.errors import UserError


def arguments(*words):
    parser = argparse.ArgumentParser()
    report.configure(parser)
    return parser.parse_args(words)


def test_no_trace_here_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no trace here"):
        report.invoke(arguments())


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_trace_is_one_line(tmp_path, content):
    path = tmp_path / "evil\x1b.brkpoint"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        report.invoke(arguments(str(path)))
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)


def test_forms_exclude_each_other():
    with pytest.raises(SystemExit):
        arguments("--json", "--markdown")


def test_every_option_is_in_the_manual():
    parser = argparse.ArgumentParser(add_help=False)
    report.configure(parser)
    with open(report.__file__.replace("command/report.py", "docs/report.md")) as file:
        manual = file.read()
    options = [word for action in parser._actions for word in action.option_strings]
    assert options and [word for word in options if word not in manual] == []


def test_where_it_cannot_write_it_says_so(tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        report.write("x", str(tmp_path / "no" / "where"))
    assert report.write(json.dumps({}), str(tmp_path / "out")) == 0
    assert (tmp_path / "out").read_text() == "{}"
