"""Filters of a page that does not hold all events: what they let through, against each event."""

import re

import pytest

import made_fates
import made_pages
from alloctrace import measure
from alloctrace.trace import trace
from reports.page import fates
from test_page_cells import WHY_NOT, facts_of, few, un_nested  # noqa: F401


def seen_events(recorded, line=None, only=None, ends=None):
    """(calls, memory syscalls) that a page with all events would show, event by event; `line`: of
    the place, `ends`: (first, last). Of a place only what hands out memory counts."""
    events = list(recorded.events())
    causes = {e.seq: un_nested(events[e.cause], events).seq for e in events if e.cause is not None}
    made = set(causes.values())
    calls = syscalls = 0
    for event in events:
        at = event if event.kind == "call" else events[causes.get(event.seq, event.seq)]
        if event.outer is not None or (line is not None and at.kind != "call"):
            continue
        frame = recorded.tree.deciding_frame(at.stack, at.verdict)
        if line is not None and (frame.line != line or not measure.hands_out(at)):
            continue
        if only == "reached" and at.seq not in made or only == "calls" and event.kind != "call":
            continue
        where = event.seq if line is None else at.seq  # what a place's calls made is told with them
        if ends and not ends[0] <= where <= ends[1]:
            continue
        calls += event.kind == "call"
        syscalls += event.kind == "syscall"
    return calls, syscalls


@pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
@pytest.mark.parametrize("is_known", [True, False])
def test_filters_by_call_and_place_reach_all_counts(browser, tmp_path, monkeypatch, is_known):
    """The matrix, the threads, the table of the strip and what is hidden, against each event."""
    if not is_known:
        monkeypatch.setattr(fates, "SYSCALLS", 10)
    with trace.open(made_fates.write(str(tmp_path / "a.brkpoint"))) as recorded:
        facts = facts_of(recorded)
        (tmp_path / "a.html").write_text(made_pages.page_of(recorded), encoding="utf-8")
        wide = facts["bins"]["width"] * facts["bins"]["cells"]["per"]
        ends = 3 * wide, 9 * wide - 1
        lines = [row[3] for row in facts["sites"]["rows"]]
        # `in_part`: whether it is known of a part of the run, not only of all of it
        views = [
            ("only=reached", dict(only="reached"), is_known, is_known),
            ("only=calls", dict(only="calls"), True, True),
            ("site=%d" % lines.index(3), dict(line=3), True, is_known),
            ("site=%d" % lines.index(1), dict(line=1), True, True),
            ("site=%d&only=reached" % lines.index(4), dict(line=4, only="reached"), True, is_known),
        ]
        all_ = seen_events(recorded)
        wanted = []
        for hash_, how, *knows in views:
            for cut, in_all in zip((None, ends), knows):
                more = "&range=%d-%d" % ends if cut else ""
                wanted.append((hash_ + more, seen_events(recorded, ends=cut, **how), in_all))
    browser.open(tmp_path / "a.html")
    for hash_, (calls, syscalls), in_all in wanted:
        browser.js("location.hash = arguments[0]", "#" + hash_)
        is_shown = "location.hash === '#%s' && !document.getElementById('filters').hidden"
        browser.wait(is_shown % hash_)
        cell = browser.text("[data-cell='unknown main']").replace(",", "").replace("\u00a0", " ")
        cell = cell.replace("·", "0 / 0").split(" / ")
        told_ = [None if one == "?" else int(one) for one in cell]
        if in_all:
            assert told_ == [calls, syscalls], hash_
            hidden = [one - two for one, two in zip(all_, (calls, syscalls))]
            said = browser.text("#hides").replace(",", "")
            for number, noun in zip(hidden, ("calls? of unknown", "memory syscalls?")):
                found = re.search(r"(\d+) %s" % noun, said)
                assert (int(found.group(1)) if found else 0) == number, (hash_, said)
            rows = browser.js(
                "return [...document.querySelectorAll('#tid-table tbody tr')].map((row) =>"
                " [1, 2].map((at) => Number(row.cells[at].textContent.replaceAll(',', ''))))"
            )
            sums = [None if None in column else sum(column) for column in zip(*rows)]
            for told_one, true in zip(sums, (calls, syscalls)):
                assert told_one == true or (told_one is None and not is_known), hash_
        else:
            assert None in told_ and all(
                one in (None, true) for one, true in zip(told_, (calls, syscalls))
            ), (hash_, told_)
            assert "does not say how much" in browser.text("#hides")
    assert browser.complaints() == []
