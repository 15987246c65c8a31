"""The table of the code's words in docs/architecture.md: each once, what it names is there, and a
word that was given up does not come back as a name."""

import ast
import re

import pytest
import test_house as house
import test_house_rooms as rooms

# As a noun each of these was several things: the word for one of them, and where that is not it.
GIVEN_UP = {
    "Recorded": "packed.PackedHistory, scopes.Run",
    "recorded": "what was opened (a trace), packed (a history), past",
    "record": "a summary, a comparison, what was measured",
    "by_site": "by_caller",
}
ROOMS = {  # where it is the word
    "record": tuple("alloctrace/%s/" % r for r in ("history", "spool", "trace"))
    + ("trace-scripts/",),
}
STRUCTS = re.compile(r"^(?:struct|enum) (site|sites|room)\b[^;(]*\{", re.M)
AGENT = "recorder/agent/"  # its only sites are those of system calls


def table(text):
    """{word: what it means} of the words of the code; one that stands there twice is an error."""
    section = text.split("## The words of the code")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section, re.M)[1:]
    words = [word for row, _ in rows for word in row.split(", ")]
    assert len(words) == len(set(words)), "one word, two rows"
    return dict(rows)


def missing(text):
    """Files and directories that the table names and that are not there."""
    named = re.findall(r"`([\w./-]*/[\w./-]*)`", " ".join(table(text).values()))
    names = house.tracked()
    return [n for n in named if not any(n.rstrip("/") + "/" in "/" + name + "/" for name in names)]


def nouns(text):
    """Names that classes, arguments and variables have in Python code."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def given_up(name, text):
    """Names in the file `name` that mean something else today."""
    found = GIVEN_UP.keys() & set(nouns(text))
    return {word for word in found if not name.startswith(ROOMS.get(word, ("no room",)))}


def test_the_table_has_each_word_once_and_names_what_is_there():
    text = house.read("docs/architecture.md")
    assert len(table(text)) > 12 and missing(text) == []


def test_twins_a_word_twice_and_a_file_that_is_not_there_are_seen():
    text = house.read("docs/architecture.md")
    with pytest.raises(AssertionError, match="two rows"):
        table(text.replace("| plan | ", "| chunk | "))
    assert missing(text.replace("history/packed.py", "history/recorded.py")) != []


def test_no_name_means_what_was_parted():
    for name, text in rooms.product().items():
        assert given_up(name, text) == set(), (name, GIVEN_UP)


@pytest.mark.parametrize(
    "name, line, found",
    [
        ("reports/x.py", "def f(record): pass", {"record"}),
        ("reports/x.py", "with trace.open(path) as recorded: pass", {"recorded"}),
        ("reports/x.py", "f(recorded=1)\nx.record(2)\n'record'", set()),
        ("alloctrace/spool/x.py", "for record in y: pass", set()),
        ("alloctrace/trace/x.py", "recorded = 1", {"recorded"}),
        ("alloctrace/spool/x.py", "class Recorded: pass", {"Recorded"}),
    ],
)
def test_the_search_for_names(name, line, found):
    assert given_up(name, line) == found


def test_no_struct_of_the_recorder_means_what_was_parted():
    names = [name for name in house.tracked("recorder/*.c", "recorder/*.h") if AGENT not in name]
    assert len(names) > 100 and any("area/size.c" in name for name in names)
    found = {name: STRUCTS.findall(house.read(name)) for name in names}
    assert {name: those for name, those in found.items() if those} == {}
    assert STRUCTS.findall("struct room {\n    int x;\n};") == ["room"]
    assert STRUCTS.findall("struct site *f(struct room *r)\n{\n}") == []
