"""The Markdown page and the JSON object: the same numbers, and nothing that can break out."""

from __future__ import annotations

import json
import re

from alloctrace.summary.summary import summarise
from reports import json_report, markdown
from summary_fake import FakeTrace, because, call, frame, syscall

HOSTILE = "a|b`c`*d*<script>\n# title\x1b[2J"


def page(*events, **more):
    trace = FakeTrace(events, **more)
    return markdown.render(summarise(trace), trace)


def tables(text):
    """Lists of lines that begin with a bar."""
    blocks = re.split(r"\n(?!\|)", text)
    return [part for part in ([x for x in b.split("\n") if x[:1] == "|"] for b in blocks) if part]


def columns(line):
    return len(re.findall(r"(?<!\\)\|", line))


def test_every_row_of_a_table_has_the_columns_of_its_head():
    stacks = {1: (frame(HOSTILE, file=HOSTILE, line=1),)}
    text = page(
        call(0, size=9, stack=1, purpose=because(HOSTILE)),
        syscall(1, "brk", 9, cause=0, purpose=because(HOSTILE)),
        stacks=stacks,
        command=[HOSTILE],
    )
    assert len(tables(text)) >= 5
    for table in tables(text):
        assert len({columns(line) for line in table}) == 1, table


def test_a_row_with_a_bar_too_many_is_noticed():
    assert columns("| a | b |") != columns("| a | b | c |")
    assert columns("| a \\| b |") == columns("| a |")


def test_a_hostile_name_stays_text():
    text = page(call(0, size=9, purpose=because(HOSTILE)), command=[HOSTILE])
    assert "\x1b" not in text
    prose = text[: text.index("```sh")]
    assert "<script>" not in re.sub(r"(`+)[^\n]*?\1", "", prose)
    assert not [line for line in text.splitlines() if line.startswith("# title")]


def test_what_is_lost_stands_before_the_verdict():
    text = page(call(0, size=9), events_lost=5)
    assert text.index("5 events lost") < text.index("As far as was seen")
    assert "lost" not in page(call(0, size=9))


def test_the_sections_that_every_report_has():
    text = page()
    for part in ("## What this cannot see, and what it cost", "## How to repeat it", "Cost: "):
        assert part in text


def test_json_is_the_summary_with_the_sentence():
    summary = summarise(FakeTrace([call(0, size=9)]))
    text = json_report.render(summary)
    record = json.loads(text)
    assert record["verdict"].pop("sentence").startswith("1 call, yours")
    assert record == summary
    assert text == json_report.render(summarise(FakeTrace([call(0, size=9)])))


def test_json_keeps_text_that_is_no_utf8():
    record = json_report.render(summarise(FakeTrace(command=["\udcff"])))
    assert json.loads(record)["command"] == ["\udcff"] and record.isascii()
