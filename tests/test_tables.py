"""alloctrace/tables.py: what configparser makes of the same lines, and what it refuses."""

import configparser
import glob
import os

import pytest

from alloctrace import tables

DATA = os.path.join(os.path.dirname(tables.__file__), "data", "*.ini")


@pytest.mark.parametrize("path", glob.glob(DATA))
def test_it_reads_what_configparser_reads(path):
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), comment_prefixes=("#",)
    )
    parser.optionxform = str
    parser.read(path, encoding="utf-8")
    expected = {name: dict(parser[name]) for name in parser.sections()}
    assert expected and tables.read(path) == expected


def test_values_go_on_in_indented_lines():
    lines = ["# x = y", "[a]", "k = 1 = 2", "  more", "# not this", "\tand # this", "", "l ="]
    assert tables.parse(lines) == {"a": {"k": "1 = 2\nmore\nand # this", "l": ""}}


@pytest.mark.parametrize("text", ["k = 1", "[a]\nword", "[a]\n[a]", "[a]\nk = 1\nk = 2"])
def test_what_is_no_table_is_refused(text):
    with pytest.raises(tables.TableError):
        tables.parse(text.splitlines())


def test_yes_and_no_are_words():
    assert tables.is_yes({"a": "yes"}, "a")
    assert not tables.is_yes({"a": "no"}, "a") and not tables.is_yes({}, "a")
    with pytest.raises(tables.TableError):
        tables.is_yes({"a": "maybe"}, "a")
