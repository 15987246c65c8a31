"""The rule tables themselves, and the manual page that is made from them."""

import os

import pytest

from alloctrace.origin import table as origin_table
from alloctrace.origin.table import TableError
from alloctrace.purpose import manual as purpose_manual, rules as purpose_rules
from alloctrace.purpose.facts import FACTS, FIELDS

HOUSE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(HOUSE, "docs", "purposes.md")


def write(tmp_path, text):
    path = tmp_path / "rules.ini"
    path.write_text(text)
    return str(path)


def test_there_are_many_rules_and_each_can_be_read_up():
    rules = purpose_rules.default().rules
    assert len(rules) >= 60
    for rule in rules:
        assert rule.source and rule.text and set(rule.fields) <= set(FIELDS)


def test_texts_fit_a_column():
    for rule in purpose_rules.default().rules:
        assert len(rule.text) <= 54, rule.key


def test_keys_are_unique_in_both_tables():
    rows = origin_table.default().rows
    assert len({row.key for row in rows}) == len(rows)


@pytest.mark.parametrize(
    "text",
    [
        "[a]\non = malloc\ntext = x\n",
        "[a]\non = maloc\ntext = x\nsource = y\n",
        "[a]\non = malloc\ntext = x\nsource = y\ncolour = blue\n",
        "[a]\non = malloc\ntext = x\nsource = y\nwhen = full-moon\n",
        "[a]\non = malloc\ntext = x\nsource = y\nsize = many\n",
    ],
)
def test_a_malformed_rule_is_named(tmp_path, text):
    with pytest.raises(TableError, match=r"\[a\]"):
        purpose_rules.read(write(tmp_path, text), FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "[owners]\n[a]\nclass = pass\nnames =\n    x\n",
        "[owners]\n[a]\nclass = king\nnames =\n    x\nsource = y\n",
        "[owners]\n[a]\nclass = runtime\nnames =\n    x\nsource = y\n",
        "[owners]\n[a]\nclass = pass\nwhere = moon\nnames =\n    x\nsource = y\n",
    ],
)
def test_a_malformed_row_is_named(tmp_path, text):
    with pytest.raises(TableError, match=r"\[a\]"):
        origin_table.read(write(tmp_path, text))


def test_the_manual_has_not_drifted():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    assert purpose_manual.replaced(page) == page, "make it anew: purpose_manual docs/purposes.md"


def test_drift_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(purpose_manual.BEGIN + "old\n" + purpose_manual.END)
    assert purpose_manual.main(["--check", str(page)]) == 1
    assert purpose_manual.main([str(page)]) == 0
    assert purpose_manual.main(["--check", str(page)]) == 0
    with pytest.raises(ValueError):
        purpose_manual.replaced("no marks")
