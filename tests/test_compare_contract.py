"""The JSON of diff and check keeps its schemas (docs/schema/), whatever a trace holds."""

import copy
import glob
import json
import os
import subprocess

import pytest
from alloctrace.budget import judge, language, scopes
from alloctrace.columns import schema as trace_schema
from alloctrace.compare import difference, left
from alloctrace.trace import trace
from reports import check_words, diff_words, left_text
from target_programs import ROOT
from test_trace_contract import changed, path, validator  # noqa: F401

TRACES = sorted(glob.glob(os.path.join(ROOT, "tests/data/traces/*.brkpoint")))
COMMAND = ["/usr/bin/python3", "-B", ROOT + "/brkpoint"]
DIFF, LEFT, CHECK = validator("diff"), validator("left"), validator("check")
RULES = "main user calls = 0\nall any peak <= 1 B\nall any live-bytes <= 0 B\nload any syscalls = 1"
ODD = (-1, 1 << 62, "strange")


def asked(*words):
    done = subprocess.run([*COMMAND, *words], stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout)


def diff_of(one, other):
    record = difference.compare([one], [other])
    return json.loads(json.dumps(dict(record, sentence=diff_words.sentence(record))))


def left_of(opened):
    def deciding(event):
        return opened.tree.deciding_frame(event.stack, event.verdict)

    record = left.between(opened.events(), "main", "exit", deciding)
    return dict(record, sentence=left_text.sentence(record))


def check_of(opened):
    verdicts = judge.judge(language.read(RULES, "x"), [scopes.Run(opened)])
    about = {"command": "./a", "runs": 1, "engine": "recorder", "trace": None, "see": []}
    return json.loads(json.dumps(check_words.plain(verdicts, about)))


def validate(opened, other):
    DIFF.validate(diff_of(opened, opened))
    DIFF.validate(diff_of(opened, other))
    LEFT.validate(left_of(opened))
    CHECK.validate(check_of(opened))


@pytest.mark.parametrize("stored", TRACES)
def test_what_is_stored(stored):
    with trace.open(stored) as opened, trace.open(TRACES[0]) as other:
        validate(opened, other)


def test_what_the_commands_print():
    one, other = TRACES[0], TRACES[-1]
    DIFF.validate(asked("diff", "--json", one, other))
    DIFF.validate(asked("diff", "--json", one, other, "--", other, one))
    LEFT.validate(asked("diff", "--json", one, "--from", "load"))
    rules = ["--budget", "main user calls <= 1", "--budget", "main user bytes = 0 B when musl"]
    CHECK.validate(asked("check", "--json", *rules, "--trace", other, "--base", one))


@pytest.mark.parametrize("table", [name for name in trace_schema.TABLES if name != "run"])
def test_what_a_stranger_put_into_a_table(path, table):  # noqa: F811
    for name, _, _ in trace_schema.row_types(table):
        for odd in ODD:
            damaged = changed(path, ("UPDATE OR REPLACE %s SET %s = ?" % (table, name), (odd,)))
            if damaged is None:
                continue
            try:
                with trace.open(damaged) as opened, trace.open(path) as whole:
                    validate(opened, whole)
            except trace.TraceError as error:
                assert str(error) and "\n" not in str(error)


def shortened(value):
    """A record with one item of each list: the others are judged by the same part of a schema."""
    if isinstance(value, dict):
        return {key: shortened(part) for key, part in value.items()}
    return [shortened(part) for part in value[:1]] if isinstance(value, list) else value


def paths(value, at=()):
    """Yield the path of each value in a record."""
    yield at
    items = value.items() if isinstance(value, dict) else ()
    for key, part in enumerate(value) if isinstance(value, list) else items:
        yield from paths(part, (*at, key))


def replaced(record, at, value):
    made = copy.deepcopy(record)
    home = made
    for key in at[:-1]:
        home = home[key]
    home[at[-1]] = value
    return made


@pytest.mark.parametrize("what", ["diff", "left", "check"])
def test_twin_a_record_of_another_kind_is_refused(what):
    """Whatever is put in the place of any one of its values."""
    with trace.open(TRACES[0]) as opened, trace.open(TRACES[-1]) as other:
        made = {
            "diff": lambda: diff_of(opened, other),
            "left": lambda: left_of(other),
            "check": lambda: check_of(other),
        }[what]()
    schema = {"diff": DIFF, "left": LEFT, "check": CHECK}[what]
    assert schema.is_valid(made)
    made = shortened(made)
    assert schema.is_valid(made)
    for at in paths(made):
        if at:
            assert not schema.is_valid(replaced(made, at, object())), at
            assert not schema.is_valid(replaced(made, at, -1.5)), at
