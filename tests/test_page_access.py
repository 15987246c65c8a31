"""Whether people can use the page who see, hear or point otherwise: axe-core's rules in a real
browser. ./setup fetches it from npm into build/axe."""

import os

import pytest

import made_fates
import made_pages
from alloctrace.trace import trace
from target_programs import ROOT

AXE = os.path.join(ROOT, "build", "axe", "node_modules", "axe-core", "axe.min.js")
WHY_NOT = made_pages.why_no_browser() or (None if os.path.exists(AXE) else "no axe-core: ./setup")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

_RUN = """
const done = arguments[0];
const told = (rule) => [rule.id, ...rule.nodes.slice(0, 5).map(
    (node) => node.target.join(" ") + ": " + node.failureSummary)];
axe.run().then((found) => done(found.violations.map(told)), (error) => done([[String(error)]]));
"""


def violations(browser):
    with open(AXE, encoding="utf-8") as file:
        browser.js(file.read())
    return browser.driver.execute_async_script(_RUN)


@pytest.mark.parametrize(
    "name, hash_, width, dark",
    [
        ("real", "#step=24&origin=loader", 1280, False),
        ("real", "#step=24&only=reached", 360, True),
        ("long", "#phase=main", 1280, True),
        ("long", "#range=100-9000&sort=peak_bytes", 360, False),
        ("small", "", 360, False),
    ],
)
def test_axe_finds_nothing(browser, pages, name, hash_, width, dark):
    browser.open(pages[name], hash_, width=width, dark=dark)
    browser.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(browser) == []


def test_axe_finds_nothing_where_there_are_several_threads(browser, tmp_path):
    with trace.open(made_fates.write(str(tmp_path / "a.brkpoint"))) as recorded:
        (tmp_path / "a.html").write_text(made_pages.page_of(recorded), encoding="utf-8")
    browser.open(tmp_path / "a.html", "#tid=78", width=360)
    assert browser.js("return document.querySelector('#tid-table th').textContent") == "thread"
    assert violations(browser) == []


def test_axe_finds_what_is_there(browser, pages):
    browser.open(pages["small"])
    script = "document.querySelector('#predict').parentElement"
    browser.js(script + ".replaceWith(document.createElement('input'))")
    browser.js("document.querySelector('h1').style.color = 'silver'")
    assert {row[0] for row in violations(browser)} >= {"label", "color-contrast"}
