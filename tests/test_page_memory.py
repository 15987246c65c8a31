"""Memory as the page shows it at a step, in a real browser."""

import pytest

import made_pages
from alloctrace.trace import trace

WHY_NOT = made_pages.why_no_browser()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


def test_the_blocks_that_are_live_after_a_step(browser, pages):
    browser.open(pages["small"], "#step=2")
    script = "return [...document.querySelectorAll('[data-block]')].map((e) => e.textContent)"
    assert browser.js(script) == ["#01.4 KiB", "#21009 bytes"]
    assert "2 blocks of 2.4 KiB (2,490 bytes) are live after event 2" in browser.text("#blocks")
    browser.click("[data-step=forward]")
    assert browser.js(script) == ["#01.4 KiB"]
    assert "Block #2 is gone now" in browser.text("#blocks")
    browser.click("[data-block='0']")
    assert browser.hash() == "#step=0"
    browser.click("[data-scale=true]")
    assert browser.complaints() == []


def test_the_address_space_at_a_step(browser, pages, record):
    with trace.open(pages["trace"]) as recorded:
        events = list(recorded.events())
    (grown,) = [e for e in events if e.name == "brk" and e.size]
    browser.open(pages["real"], "#step=%d" % grown.cause)
    script = """const rows = [...document.querySelectorAll("#space-table tbody tr")];
        return Object.fromEntries(rows.map(
            (row) => [row.dataset.kind, row.children[1].textContent]))"""
    before = browser.js(script)
    assert {"program", "heap", "loader", "library", "kernel"} == set(before)
    assert before["heap"] == "{:,}".format(grown.size)
    assert " to the top" in browser.text("#blocks .top")
    exit_ = next(row for row in record["phases"] if row["phase"] == "exit")
    browser.open(pages["real"], "#step=%d" % events[-1].seq)
    (mapped,) = browser.js("return [...document.querySelectorAll('#bars dd')].slice(1, 2)")
    assert "{:,} bytes)".format(exit_["mapped_bytes"]) in mapped.text
    browser.open(pages["real"], "#step=%d" % events[0].seq)
    assert "heap" not in browser.js(script)
    browser.open(pages["small"], "#step=1")
    assert "the mappings cannot be told" not in browser.text("#space")
    assert browser.complaints() == []
