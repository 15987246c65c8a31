"""The page and the JSON of the article, from made records."""

import json
import os

import pytest

from command import article as command
from made_article import facts_of, record, vec_events
from article import article, files as article_files, rows as article_rows
from article.words import HOLDS, SKIPPED, VERDICTS


@pytest.fixture(scope="module")
def data():
    return article_rows.read_data()


@pytest.fixture(scope="module")
def vec():
    return facts_of(vec_events())


def test_the_page_credits_the_author_and_shows_both_values(vec):
    page = article.to_markdown(record(vec=vec))
    assert "Investigating Memory Allocations in Rust" in page and "ysantos.com" in page
    assert "yds12/mexe" in page
    assert "552, 32, 1024: 1,608 bytes" in page and "2837 bytes" in page
    assert "`grow` was not run: no gcc" in page


def test_a_tool_that_was_not_there_is_said_once(vec):
    typed = {"state": "missing", "why": "ltrace is not installed", "command": "ltrace"}
    more = {name: dict(vec["typed"], ltrace=typed, **{"ltrace -x malloc": typed}) for name in "ab"}
    page = article.to_markdown(record(**{n: dict(vec, typed=found) for n, found in more.items()}))
    line = "* What `ltrace` prints of `a`, `b`: missing; ltrace is not installed\n"
    assert page.count(line) == 1 and page.count("ltrace is not installed") == 1
    assert "What `ltrace` prints" not in article.to_markdown(record(vec=vec))


def test_the_evaluator_answers_the_last_step_or_says_why(data):
    told = article_rows.rows({37: data[37]}, {}, {"evaluator": "no gcc"})[0]
    assert told.verdict == SKIPPED and told.cause == "evaluator: no gcc"
    speed = {size: {"ns_per_byte": 9.0, "faults": 0} for size in ("10", "100")}
    one = {"small": {"calls": {}}, "long": {"calls": {}}, "speed": speed}
    facts = {n: dict(facts_of(vec_events(), n), user_calls={}) for n in command.DESIGNS}
    slow = {size: {"ns_per_byte": 90.0, "faults": 0} for size in speed}
    compared = {n: one for n in command.DESIGNS}
    compared["eval_list"] = dict(one, speed=slow)
    facts["evaluator"] = {"name": "evaluator", "repeat": "make evaluator-story"}
    facts["evaluator"]["designs"] = {"sizes": [10, 100], "designs": compared}
    assert article_rows.rows({37: data[37]}, facts, {})[0].verdict == HOLDS  # 90 % of the time
    compared["eval_list"] = one
    assert article_rows.rows({37: data[37]}, facts, {})[0].verdict != HOLDS


def test_the_verdict_counts_every_row_once():
    made = record()
    counts = [int(word) for word in article.verdict(made).split() if word.isdigit()]
    assert sum(counts[1:]) == counts[0] == article_rows.LAST
    assert {one["verdict"] for one in made["rows"]} <= set(VERDICTS)


def test_page_and_data_say_the_same_and_twice_the_same(vec):
    made = record(vec=vec)
    assert json.loads(article.to_json(made))["rows"] == made["rows"]
    assert article.to_markdown(made) == article.to_markdown(record(vec=vec))


BAD = "| <b>\x1b[2J\n# title ```"


def test_names_from_a_program_cannot_draw_in_the_page(vec):
    hostile = dict(vec)
    hostile["malloc_entries"] = [dict(e, purpose=BAD) for e in vec["malloc_entries"]]
    hostile["syscall_modules"] = {BAD: 3}
    hostile["typed"] = {"ltrace": {"state": "unreliable", "why": BAD, "command": BAD}}
    hostile["typed"]["strace"] = vec["typed"]["strace"]
    page = article.to_markdown(record(vec=hostile))
    assert "\x1b" not in page and "\n# title" not in page and "<b>" not in page


def test_a_file_that_is_no_elf_has_an_error_and_no_facts(tmp_path):
    path = tmp_path / "text"
    path.write_text("#!/bin/sh\n")
    assert list(article_files.facts(str(path))) == ["error"]


def test_facts_of_a_file_agree_with_its_headers():
    here = os.path.realpath("/usr/bin/python3")
    found = article_files.facts(here)
    assert found["bytes"] == os.stat(here).st_size
    assert "libc.so.6" in found["needed"] and found["interpreter"].startswith("/lib64/ld-linux")
