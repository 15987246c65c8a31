"""Every field of every table of a stranger's trace, on a page that a real reader of Markdown reads:
what is text stays text, and nothing of it becomes HTML, a link or emphasis."""

import html.parser
import json
import shutil
import sqlite3
import subprocess

import pytest

from alloctrace.columns import schema as trace_schema
from alloctrace.summary.summary import summarise
from alloctrace.trace import trace
from reports import markdown, markdown_text
import made_traces

needs_reader = pytest.mark.skipif(
    shutil.which("cmark-gfm") is None, reason="needs cmark-gfm: ./setup"
)
HOSTILE = (
    "a``<img src=x onerror=alert(1)>``b",
    "|<script>alert(1)</script>|`|\\|<b>\\`<i>`\\\\|x",
    "- # *x* _y_ [l](javascript:z) ![i](x) &lt;b&gt; ~~d~~ ```<b>``` <!-- $x$",
    "12. ` <b>` **",
    "+ <x:y> <a@b.cc>",
)
STRUCTURE = set("h1 h2 h3 p table thead tbody tr th td ul li pre code blockquote strong".split())
ATTRIBUTES = {("align", "right"), ("class", "language-sh"), ("class", "language-text")}


class Page(html.parser.HTMLParser):
    """What is on it, and what of it is not of our making."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.text, self.foreign = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in STRUCTURE or not set(attrs) <= ATTRIBUTES:
            self.foreign.append(self.get_starttag_text())

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        self.foreign.append("<!--%s-->" % data)

    def handle_decl(self, decl):
        self.foreign.append(decl)


def read(text):
    """The Page that a reader makes who lets HTML through."""
    command = ["cmark-gfm", "--unsafe", "-e", "table", "-e", "strikethrough"]
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return Page(done.stdout)


def plain(text):
    """What is left of a text where spaces at an end of a cell do not count."""
    return "".join(text.split())


@pytest.fixture
def path(tmp_path, monkeypatch):
    known = {
        "command": ["./a", "b"],
        "date": "today",
        "why_engine": "because",
        "versions": {"gdb": "13", "kernel": "6"},
        "incomplete_because": "it was cut",
        "unhooked": ["a reason"],
        "unseen": [{"kind": "named", "why": "a why"}],
        "also_watched": [{"name": "n", "point": "malloc", "from": "--also"}],
        "hints": [{"missing": "m", "gives": "g", "command": "c"}],
        "complete": False,
    }
    return made_traces.write(tmp_path / "t", monkeypatch, known)


def texts(value, way=()):
    """The ways to every text in a value of JSON; names of fields that are not ours too."""
    if isinstance(value, str):
        yield way
    elif isinstance(value, (list, dict)):
        pairs = enumerate(value) if isinstance(value, list) else value.items()
        for key, inner in pairs:
            yield from texts(inner, (*way, key))


def put(value, way, text):
    if not way:
        return text
    made = dict(value) if isinstance(value, dict) else list(value)
    made[way[0]] = put(value[way[0]], way[1:], text)
    return made


def fields(path):
    """(what it is, statement, arguments of a text) for each field of each table."""
    for table in trace_schema.TABLES:
        for name, type_, _ in trace_schema.row_types(table):
            if type_ is str and table != "run":
                statement = "UPDATE OR REPLACE %s SET %s = ?" % (table, name)
                yield "%s.%s" % (table, name), statement, lambda text: (text,)
    for key, value in sqlite3.connect(path).execute("SELECT key, value FROM run").fetchall():
        value = json.loads(value)
        for way in [*texts(value), *([()] if value is None else [])]:

            def arguments(text, key=key, value=value, way=way):
                return json.dumps(put(value, way, text)), key

            yield "run.%s%s" % (key, list(way)), "UPDATE run SET value = ? WHERE key = ?", arguments
    for key in ("date", "why_engine", "engine", "gdb", "program_file"):
        yield "run." + key, "INSERT OR REPLACE INTO run (value, key) VALUES (?, ?)", (
            lambda text, key=key: (json.dumps(text), key)
        )


def page_with(path, statement, arguments):
    """The page of the changed trace, or None where it is refused."""
    copy = made_traces.changed(path, (statement, arguments))
    try:
        with trace.open(copy) as opened:
            return markdown.render(summarise(opened), opened, True)
    except trace.TraceError:
        return None


def looked_at(path, text):
    """{field: what is wrong with the page that holds `text` there}; None: it is not on the page."""
    found, usual = {}, page_with(path, "UPDATE notes SET text = text", ())
    for what, statement, arguments in fields(path):
        made = page_with(path, statement, arguments(text))
        if made not in (None, usual):
            page = read(made)
            is_there = plain(text) in plain("".join(page.text))
            found[what] = page.foreign if is_there or page.foreign else None
    return found


@needs_reader
@pytest.mark.parametrize("text", [HOSTILE[0] + HOSTILE[1], HOSTILE[2]])
def test_no_field_becomes_more_than_text(path, text):
    found = looked_at(path, text)
    assert not {what: foreign for what, foreign in found.items() if foreign}
    shown = {what for what, foreign in found.items() if foreign is not None}
    assert shown >= {"functions.name", "purposes.text", "notes.text", "run.date", "run.engine"}
    assert shown >= {"run.command[0]", "run.versions['gdb']", "run.hints[0, 'gives']"}


@needs_reader
def test_without_quotes_it_would(path, monkeypatch):
    monkeypatch.setattr(markdown_text, "_QUOTES", {})
    found = looked_at(path, HOSTILE[0])
    assert found["purposes.text"] and found["run.date"]


@needs_reader
@pytest.mark.parametrize("make", [markdown_text.escape, markdown_text.code, markdown_text.command])
def test_each_function_keeps_the_text(make):
    for text in (*HOSTILE, "", " ", "`", "``", " a ", "a\\", "\\", "www.a.cc", "-1", "a\nb", "#"):
        wanted = text.replace("\n", "\\x0a")
        for page in (make(text), "* " + make(text)):
            read_back = read(page)
            assert not read_back.foreign and plain("".join(read_back.text)) == plain(wanted), page
        if make is not markdown_text.command:
            rows = markdown_text.table(["x", "y"], "ll", [[make(text), "end"], [text, "end"]])
            read_back = read("\n".join(rows))
            cells = plain("xy" + 2 * (wanted + "end"))
            assert not read_back.foreign and plain("".join(read_back.text)) == cells, rows


@needs_reader
def test_a_block_of_code_ends_where_we_end_it():
    lines = ["```", "<b>", "````"]
    read_back = read("\n".join(markdown_text.fenced("sh", lines)))
    assert not read_back.foreign and "".join(read_back.text).split() == lines


def test_what_means_nothing_is_left_as_it_is():
    for text in ("malloc 472", "./a.out -x", "a/b.c:12", "+132 KiB"):
        assert markdown_text.table(["x"], "l", [[text]])[-1] == "| %s |" % text
        assert markdown_text.code(text) == "`%s`" % text
