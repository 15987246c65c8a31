"""What the recorded traces of tests/data/traces say: facts, not drawings."""

from __future__ import annotations

import json
import os

import pytest

from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from command import report
from reports import json_report, sentences

TRACES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "traces")
NAMES = sorted(name[: -len(".brkpoint")] for name in os.listdir(TRACES))


def recorded(name):
    with trace.open(os.path.join(TRACES, name + ".brkpoint")) as opened:
        return summarise(opened)


def counts(record, **wanted):
    """The sum of `count` over the rows of totals that have these values."""
    rows = record["totals"]
    return sum(row["count"] for row in rows if all(row[k] == v for k, v in wanted.items()))


def test_the_empty_program_is_the_loaders_alone():
    record = recorded("success")
    assert {row["origin"] for row in record["totals"]} == {"loader"}
    assert {row["phase"] for row in record["totals"]} == {"load"}
    assert sentences.verdict(record).endswith("none is yours.")
    assert record["causes"]["calls"] - record["causes"]["calls_reaching_kernel"] == 17


def test_one_malloc_more_is_the_users():
    record = recorded("alloc")
    assert counts(record, origin="user", kind="call") == 1
    assert record["leaked"]["by_origin"]["user"] == {"blocks": 1, "bytes": 1}
    assert counts(record, origin="user", name="brk") == 2


def test_leaks_are_the_two_that_were_not_freed():
    assert recorded("leak")["leaked"]["by_origin"]["user"] == {"blocks": 2, "bytes": 1009 + 1019}


def test_the_vec_grows_by_24_reallocs_of_which_12_reach_the_kernel():
    record = recorded("vec_fn")
    assert counts(record, origin="user", name="realloc") == 24
    assert counts(record, origin="user", name="mremap") == 11
    row = next(
        r for r in record["reached_kernel"] if (r["origin"], r["name"]) == ("user", "realloc")
    )
    assert row["calls_reaching_kernel"] == 12
    assert record["peak_bytes"] >= 536870912


def test_a_program_that_could_not_be_hooked_says_so_first():
    record = recorded("stripped-static")
    assert not record["calls_hooked"] and sentences.warnings(record)
    assert "yours" not in sentences.verdict(record)
    assert sentences.warnings(recorded("alloc")) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_sums_agree_with_each_other(name):
    record = recorded(name)
    calls, syscalls = counts(record, kind="call"), counts(record, kind="syscall")
    assert calls == record["causes"]["calls"] == sum(r["calls"] for r in record["phases"])
    assert syscalls == record["causes"]["syscalls"] == sum(r["syscalls"] for r in record["phases"])
    assert sum(row["count"] for row in record["sites"]) == record["allocated"]["blocks"]
    assert sum(row["live_bytes"] for row in record["sites"]) == record["leaked"]["bytes"]
    assert (
        record["leaked"]["bytes"] <= record["peak_bytes"] <= record["allocated"]["bytes"]
        or not calls
    )


@pytest.mark.parametrize("name", NAMES)
def test_live_blocks_are_those_of_the_history(name):
    with trace.open(os.path.join(TRACES, name + ".brkpoint")) as opened:
        blocks = list(opened.blocks())
        assert summarise(opened)["leaked"]["blocks"] == len(blocks)
        assert summarise(opened)["leaked"]["bytes"] == sum(block.size for block in blocks)


@pytest.mark.parametrize("form", [[], ["--json"], ["--markdown"], ["--events"], ["--summary"]])
@pytest.mark.parametrize("name", NAMES)
def test_the_command_renders_every_trace(name, form, tmp_path, capsys):
    parser = report_parser()
    path = os.path.join(TRACES, name + ".brkpoint")
    assert report.invoke(parser.parse_args([path, *form])) == 0
    shown = capsys.readouterr().out
    out = str(tmp_path / "out")
    assert report.invoke(parser.parse_args([path, *form, "-o", out])) == 0
    with open(out, encoding="utf-8") as file:
        assert len(file.read()) > 0 and shown
    if form == ["--json"]:
        json.loads(shown)


def report_parser():
    import argparse

    parser = argparse.ArgumentParser()
    report.configure(parser)
    return parser


@pytest.mark.parametrize("name", NAMES)
def test_the_json_keeps_its_schema(name):
    jsonschema = pytest.importorskip("jsonschema")
    top = os.path.dirname(os.path.dirname(os.path.dirname(TRACES)))
    with open(os.path.join(top, "docs", "schema", "report.json"), encoding="utf-8") as file:
        schema = jsonschema.Draft7Validator(json.load(file))
    record = json.loads(json_report.render(recorded(name)))
    schema.validate(record)
    del record["causes"]["syscalls"]
    assert not schema.is_valid(record)
