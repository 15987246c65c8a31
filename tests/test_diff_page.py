"""The page of a difference: its policy and numbers, hostile names, and how a browser shows it."""

import os
import re
import shutil
import subprocess

import pytest

import made_pages
from alloctrace.compare import difference
from alloctrace.history import history
from alloctrace.trace import trace
from made_records import Made
from made_traces import symbolise, write
from reports import diff_words
from reports.diff_page import document
from target_programs import ROOT

TRACES = os.path.join(ROOT, "tests", "data", "traces")
COMMAND = ["/usr/bin/python3", "-B", ROOT + "/brkpoint"]
WHY_NOT = made_pages.why_no_browser()


def record(one, other):
    with trace.open(one) as before, trace.open(other) as after:
        return difference.compare([before], [after], with_strips=True)


def stored(name):
    return os.path.join(TRACES, name + ".brkpoint")


@pytest.fixture(scope="module")
def told():
    return record(stored("vec_fn"), stored("success"))


@pytest.fixture
def hostile(told):
    """Every text that a target may choose is chosen by an enemy."""
    names = iter(made_pages.HOSTILE * 999)

    def changed(value, key=""):
        if isinstance(value, dict):
            return {key: changed(part, key) for key, part in value.items()}
        if isinstance(value, list):
            return [changed(part, key) for part in value]
        free = ("function", "purpose", "owner", "module", "file", "program", "trace", "name")
        free += ("via", "command", "warnings", "process", "function_before", "via_before")
        return next(names) if isinstance(value, str) and key in free else value

    return changed(dict(told, warnings=["x"]))


def style_of(page):
    return re.search("<style>(.*?)</style>", page, re.S).group(1)


def is_safe(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "script" not in policy
    assert "'%s'" % made_pages.hash_of(style_of(page)) in policy
    text = page.replace(style_of(page), "")
    assert not re.search(r"<(script|link|img|iframe|object|embed|base|form)\b", text, re.I)
    assert not re.search(r"<[^>]*\s(src|href|style|on\w+)\s*=", text)
    assert set(re.findall(r"</?([a-zA-Z0-9]+)", text)) <= set(
        "html head meta title style body header main section p h1 h2 h3 b br bdi code span div ul"
        " li table thead tbody tr th td svg rect text".split()
    )


def test_it_needs_nothing_and_runs_nothing(told):
    is_safe(document.render(told))


def test_nothing_of_a_target_is_markup(hostile):
    page = document.render(hostile)
    is_safe(page)
    assert "&lt;" in page


def test_its_strips_have_every_event_of_both(told):
    for side, path in (("before", "vec_fn"), ("after", "success")):
        drawn = sum(bin_[4] for row in told["strips"] for bin_ in row[side])
        with trace.open(stored(path)) as opened:
            groups = [group for group in opened.sums().groups if group.is_counted]
        assert drawn == sum(group.count for group in groups)
        asked = sum(sum(bin_[:2]) for row in told["strips"] for bin_ in row[side])
        assert asked == sum(group.bytes for group in groups if group.is_call)
    assert all(len(row["before"]) <= 240 for row in told["strips"])


@pytest.mark.parametrize("name, words", [("malloc", [2**64 - 1]), ("calloc", [2**64 - 1, 1])])
def test_its_strips_have_what_nobody_could_get(tmp_path, name, words):
    path, made = str(tmp_path / "huge.brkpoint"), Made()
    made.info("phase", phase="main", t_ns=made.now, how="symbol")
    made.call(name, *words, result=0)
    made.call("calloc", 3, 7, result=0x1000)
    built = history.build(made.records)
    trace.write(path, built, symbolise(built), {})
    told = record(path, path)
    assert [bin_[0] for row in told["strips"] for bin_ in row["after"]] == [2**64 - 1, 21]
    assert document.render(told).count('<rect class="same"') == 4


def test_what_changed_is_marked_and_nothing_else(told):
    page = document.render(told)
    assert 'class="less"' in page and page.count("<svg") == 2
    same = document.render(record(stored("vec_fn"), stored("vec_fn")))
    assert "No difference." in same and same.count("<svg") == 2
    assert not re.search(r'<rect class="(more|less)"', same)


def test_sums_alone_have_no_strips(told):
    page = document.render(dict(told, strips=None))
    assert "no events to draw" in page and "<svg" not in page


def test_the_command_writes_it(tmp_path, monkeypatch):
    page = str(tmp_path / "page.html")
    command = [*COMMAND, "diff", stored("vec_fn"), stored("success"), "--html", page]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (1, b"")
    with open(page, encoding="utf-8") as file:
        assert file.read().startswith("<!DOCTYPE html>")
    done = subprocess.run([*command, "-o", page], stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"leave out -o" in done.stderr
    done = subprocess.run([*COMMAND, "diff", stored("leak"), "--from", "main", "--html", page])
    assert done.returncode == 2
    one = str(write(tmp_path / "t", monkeypatch, {"command": ["./a"]}))
    shutil.copy(one, one + "2")
    assert subprocess.run([*COMMAND, "diff", one, one + "2", "--html", page]).returncode == 0


@pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
@pytest.mark.parametrize("width, dark", [(1280, False), (360, True)])
def test_it_is_silent_and_fits(browser, tmp_path, told, hostile, width, dark):
    for number, made in enumerate((told, hostile)):
        path = tmp_path / ("%d.html" % number)
        path.write_text(document.render(made), encoding="utf-8")
        browser.open(str(path), width=width, dark=dark)
        assert browser.complaints() == []
        assert browser.js("return document.documentElement.scrollWidth") <= width
    page = browser.js("return getComputedStyle(document.body).backgroundColor")
    assert page == ("rgb(23, 24, 26)" if dark else "rgb(255, 254, 251)")
    path = tmp_path / "0.html"
    browser.open(str(path), width=width, dark=dark)
    assert browser.text("#verdict") == diff_words.sentence(told)
    shown = browser.js("return document.querySelectorAll('#places tbody tr').length")
    assert shown == sum(row["changed"] for row in told["rows"])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("--more: #b3470a", "--more:  #b3470a"), encoding="utf-8")
    browser.open(str(path), width=width, dark=dark)  # the twin: a style that is not the page's own
    assert any("Content Security Policy" in line for line in browser.complaints())
