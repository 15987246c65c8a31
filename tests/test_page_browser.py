"""The page in a real browser: by clicking, by typing, by keyboard alone; silent and truthful."""

import json

import pytest

import made_pages
from alloctrace.words import PHASES
from made_pages import page_of

WHY_NOT = made_pages.why_no_browser()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


def numbers(browser):
    script = "return [...document.querySelectorAll('.number .value')].map((e) => e.textContent)"
    return [text.replace(",", "") for text in browser.js(script)]


def matrix(browser):
    """{(origin, phase): [calls, syscalls]} as the table shows it."""
    script = """return [...document.querySelectorAll("#matrix-table tbody tr")].map(
        (row) => [...row.children].map((cell) => cell.textContent))"""
    found = {}
    for origin, *cells in browser.js(script):
        for phase, cell in zip(PHASES, cells):
            numbers_ = "0 / 0" if cell == "·" else cell
            found[origin, phase] = [int(n.replace(",", "")) for n in numbers_.split(" /")]
    return found


@pytest.mark.parametrize("name", ["real", "small", "hostile", "long"])
@pytest.mark.parametrize("width, dark", [(1280, False), (360, True)])
def test_it_is_silent_and_fits(browser, pages, name, width, dark):
    browser.open(pages[name], width=width, dark=dark)
    assert browser.complaints() == []
    assert browser.js("return document.documentElement.scrollWidth") <= width
    assert browser.js("return document.getElementById('disagrees')") is None
    page = browser.js("return getComputedStyle(document.body).backgroundColor")
    assert page == ("rgb(23, 24, 26)" if dark else "rgb(255, 254, 251)")


def test_the_numbers_are_those_of_json(browser, pages, record):
    browser.open(pages["real"])
    calls = record["causes"]["calls"]
    yours = record["verdict"]["calls_by_origin"]["user"]
    reached = record["causes"]["calls_reaching_kernel"]
    wanted = [calls, yours, reached, record["peak_bytes"], record["leaked"]["bytes"]]
    assert numbers(browser) == list(map(str, wanted))
    assert browser.text("#verdict") == record["verdict"]["sentence"]
    told = {}
    for row in record["totals"]:
        cell = told.setdefault((row["origin"], row["phase"]), [0, 0])
        cell[row["kind"] == "syscall"] += row["count"]
    assert {key: cell for key, cell in matrix(browser).items() if any(cell)} == told
    sites = browser.js("return document.querySelectorAll('#sites-table tbody tr').length")
    assert sites == record["site_count"]


@pytest.mark.parametrize(
    "old, new",
    [
        ('<span class="value">3</span>', '<span class="value">4</span>'),
        ('"calls_reaching_kernel":1', '"calls_reaching_kernel":2'),
        ('"name":"malloc","count":2', '"name":"malloc","count":3'),
        ('"bytes":1481', '"bytes":1482'),
    ],
)
def test_a_changed_number_is_told(browser, pages, tmp_path, old, new):
    with open(pages["small"], encoding="utf-8") as file:
        text = file.read()
    if old not in text:
        pytest.fail("the page does not hold %s" % old)
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    browser.open(changed)
    assert "disagrees with its own data" in browser.text("#disagrees")


def test_a_changed_script_does_not_run(browser, pages, tmp_path):
    with open(pages["small"], encoding="utf-8") as file:
        text = file.read().replace("function grouped", "function  grouped", 1)
    changed = tmp_path / "changed.html"
    changed.write_text(text, encoding="utf-8")
    browser.open(changed)
    assert browser.js("return document.documentElement.className") == ""
    assert any("Content Security Policy" in line for line in browser.complaints())
    assert numbers(browser)[0] == "4"  # and what the page says without it is all there


CLICK_AND_READ = """document.querySelector("[data-number=yours]").click();
    return [document.querySelector("main").getAttribute("aria-busy"),
        document.getElementById("filters").hidden,
        document.getElementById("events-said").textContent.startsWith("3 events")]"""


def test_what_is_out_of_sight_is_drawn_later_but_is(browser, pages):
    browser.open(pages["small"])
    assert browser.js(CLICK_AND_READ) == ["true", False, False]
    assert browser.text("#events-said").startswith("3 events")
    browser.open(pages["small"])
    browser.js("document.getElementById('events').scrollIntoView()")
    frames = "return new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))"
    browser.js(frames)
    assert browser.js(CLICK_AND_READ)[1:] == [False, True]


def test_every_number_is_a_filter_and_back_works(browser, pages, record):
    made = record["verdict"]["calls_by_origin"]
    yours = sum(row["count"] for row in record["totals"] if row["origin"] == "user")
    browser.open(pages["real"])
    browser.click("[data-number=yours]")
    assert browser.hash() == "#origin=user"
    assert "%d calls by the loader" % made["loader"] in browser.text("#hides")
    assert browser.text("#events-said").startswith("%d events of " % yours)
    assert browser.js("return document.querySelectorAll('#sites-table tbody tr').length") == 1
    browser.click("[data-number=reached]")
    assert browser.hash() == "#origin=user&only=reached"
    browser.driver.back()
    browser.wait("location.hash === '#origin=user'")
    browser.driver.back()
    browser.wait("location.hash === '' && document.getElementById('filters').hidden")
    for name in ("calls", "peak", "left"):
        browser.click("[data-number=%s]" % name)
        assert browser.hash() == "#only=" + name
        assert (
            browser.js("return document.querySelector('[aria-pressed=true]').dataset.number")
            == name
        )


def test_a_range_filters_everything(browser, pages, record):
    browser.open(pages["real"])
    box = browser.js(
        "const box = document.querySelector('canvas').getBoundingClientRect();"
        "return [box.left, box.top, box.width]"
    )
    for kind, share in (("mousePressed", 0.0), ("mouseMoved", 0.2), ("mouseReleased", 0.5)):
        browser.driver.execute_cdp_cmd(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": box[0] + 1 + share * box[2], "y": box[1] + 60, "button": "left",
             "clickCount": 1},
        )  # fmt: skip
    assert browser.hash().startswith("#range=0-")
    last = int(browser.hash().split("-")[1])
    events = record["events"]
    assert 0.4 * events < last < 0.6 * events
    assert browser.text("#events-said").startswith("%d events of %d" % (last + 1, events))
    shown = sum(sum(cell) for cell in matrix(browser).values())
    assert 0 < shown < sum(row["count"] for row in record["totals"])
    assert "hidden: " in browser.text("#hides")
    browser.keys("canvas", "\ue00c")  # Escape
    assert browser.hash() == ""


def test_cells_sites_and_search(browser, pages):
    browser.open(pages["small"])
    browser.click("[data-cell='loader load']")
    pressed = (
        "[...document.querySelectorAll('.cell[aria-pressed=true]')].map((e) => e.dataset.cell)"
    )
    assert browser.js("return " + pressed) == ["loader load"]
    assert matrix(browser)["user", "main"] == [3, 0]  # its own filter does not empty the table
    assert browser.text("#events-said").startswith("2 events")
    browser.click("[data-cell='loader load']")
    browser.click("[data-sort=live_bytes]")
    assert browser.hash() == "#sort=live_bytes"
    browser.keys("#sites-search", "A.C")
    assert "1 site, 1 hidden by the search" in browser.text("#sites-said")
    browser.click("[data-site]")
    assert "site=" in browser.hash()
    assert browser.text("#events-said").startswith("3 events")


def test_stepping_by_keyboard_alone(browser, pages):
    browser.open(pages["small"])
    browser.keys("body", "\ue014")  # →
    assert browser.hash() == "#step=0"
    assert "It reached the kernel" in browser.text("#step")
    browser.keys("body", "m")
    assert browser.hash() == "#step=2"
    assert "never reached the kernel" in browser.text("#step")
    browser.keys("body", "\ue012")  # ←
    assert "Made during malloc(1481)" in browser.text("#step")
    assert "null" not in browser.text("#step")
    browser.keys("#events-list", "\ue015")  # ↓
    assert browser.hash() == "#step=2"
    browser.keys("#sites-search", "n")  # typing is no step
    assert "step=2" in browser.hash()
    browser.js("document.querySelector('#step summary').click()")
    reasons = browser.text("#step .reasons")
    assert "user function" in reasons and "frame 0, main" in reasons


def test_predicting_tells_nothing_before_the_answer(browser, pages):
    browser.open(pages["small"], "#step=4")
    browser.click("#predict")
    browser.click("[data-step=first]")
    assert "Does this call reach the kernel?" in browser.text("#step")
    assert "It reached" not in browser.text("#step")
    assert browser.js("return document.querySelectorAll('.line').length") == 1
    browser.click("[data-guess=no]")
    assert "You were wrong: 0 of 1" in browser.text("#step")
    assert browser.js("return document.querySelectorAll('.line').length") == 5
    browser.keys("body", "m")
    browser.click("[data-guess=no]")
    assert "You were right: 1 of 2" in browser.text("#step")


@pytest.mark.parametrize(
    "hash_",
    ["#step=x&range=9-1&origin=nobody&site=-3&only=__proto__&x=1", "#range=99999999999999999999-1"],
)
def test_a_hash_from_anybody_does_no_harm(browser, pages, hash_):
    browser.open(pages["small"], hash_)
    assert browser.complaints() == []
    assert browser.text("#events-said").startswith("5 events of 5")


def test_a_hostile_name_stays_text(browser, pages):
    browser.open(pages["hostile"], "#step=0")
    browser.click("[data-step=forward]")
    assert made_pages.HOSTILE[1] in browser.text("#step")
    assert (
        browser.js(
            "return document.images.length + document.querySelectorAll('b[onmouseover]').length"
        )
        == 0
    )
    assert browser.complaints() == []


def test_threads_and_programs_are_filters(browser, tmp_path):
    trace_ = made_pages.small_trace()
    for event in trace_._events[2:]:
        event.tid, event.image = 8, 1
    trace_._events[4].tid = 9
    (tmp_path / "a.html").write_text(page_of(trace_), encoding="utf-8")
    browser.open(tmp_path / "a.html")
    browser.click("[data-tid='8']")
    assert browser.text("#events-said").startswith("2 events")
    assert matrix(browser)["loader", "load"] == [0, 0]
    browser.click("[data-program='7.0']")
    assert browser.hash() == "#program=7.0&tid=8"
    assert browser.text("#events-said").startswith("no events")
    browser.click("#filters .link")
    assert browser.hash() == ""
    assert browser.complaints() == []


def test_programs_of_one_thread_each_are_told_once(browser, tmp_path):
    trace_ = made_pages.small_trace()
    for event in trace_._events[2:]:
        event.pid = event.tid = 8
    (tmp_path / "a.html").write_text(page_of(trace_), encoding="utf-8")
    browser.open(tmp_path / "a.html")
    script = "return [...document.querySelectorAll('#matrix h3')].map((one) => one.textContent)"
    assert browser.js(script) == ["2 programs"]


def by_function(browser):
    """{function: what was asked for in it and beneath it}: the drawing as a table."""
    browser.js("document.querySelector('#flame details').open = true")
    browser.wait("document.querySelector('#flame-table tbody tr')")
    script = """return [...document.querySelectorAll("#flame-table tbody tr")].map(
        (row) => [...row.children].map((cell) => cell.textContent))"""
    return {name: int(value.replace(",", "")) for name, value, _ in browser.js(script)}


def test_the_tree_of_calls_adds_up_and_filters(browser, pages):
    browser.open(pages["small"])
    assert by_function(browser) == {"dl_main": 1481, "main": 1009 + 17}
    browser.click("[data-measure=live_bytes]")
    assert by_function(browser) == {"dl_main": 1481, "main": 17}
    browser.keys("#flame-search", "main")
    assert "100 % of it" in browser.text("#flame-matched")
    browser.keys("canvas.flame", "\ue015", "\ue015", "\ue007")  # all, dl_main, Enter
    assert browser.hash().endswith("fn=dl_main")
    assert browser.text("#events-said").startswith("2 events")
    assert "hidden: 3 calls by your code" in browser.text("#hides")
    browser.click("[data-turn=out]")
    assert browser.js("return document.querySelector('[data-turn=out]').ariaPressed") == "true"
    browser.keys("canvas.flame", "\ue00c")
    assert "fn=" not in browser.hash()
    assert browser.complaints() == []


def test_a_long_run_says_what_is_not_in_the_page(browser, pages):
    browser.open(pages["long"])
    assert browser.text("#events-said").endswith(" of 24,013, of the windows in this page")
    browser.js("document.getElementById('events-list').scrollTop = 1e9")
    browser.js(
        "return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    browser.click("[data-number=yours]")
    assert "brkpoint events" in browser.text("#events-command")
    assert "--origin user" in browser.text("#events-command")


def asked_for(browser):
    """What the sites that are shown asked for, in bytes."""
    script = """return [...document.querySelectorAll("#sites-table tbody td.by")].map(
        (cell) => Number(cell.textContent.replaceAll(",", "")))"""
    return sum(browser.js(script))


def test_sites_of_a_long_run_follow_the_filters(browser, pages):
    browser.open(pages["long"])
    assert asked_for(browser) == 1236042
    assert set(by_function(browser).values()) == {1236042}
    browser.open(pages["long"], "#phase=load")
    assert asked_for(browser) == 47
    assert set(by_function(browser).values()) == {47}
    browser.open(pages["long"], "#origin=loader")
    assert asked_for(browser) == 0
    browser.open(pages["long"], "#program=9.9")
    assert asked_for(browser) == 0
    browser.open(pages["long"])
    browser.click("[data-sort=calls_reaching_kernel]")
    assert asked_for(browser) == 12
    assert browser.complaints() == []


def test_the_data_can_be_saved(browser, pages):
    browser.open(pages["hostile"])
    script = """const kept = URL.createObjectURL; let blob;
        URL.createObjectURL = (made) => { blob = made; return kept.call(URL, made); };
        HTMLAnchorElement.prototype.click = () => {};
        document.querySelectorAll("#save button")[arguments[0]].click();
        URL.createObjectURL = kept;
        return blob.text();"""
    assert json.loads(browser.js(script, 0))["schema"] == 1
    for number in (1, 2):
        assert "'=1+1" in browser.js(script, number)  # a formula stays a name
    assert browser.complaints() == []
