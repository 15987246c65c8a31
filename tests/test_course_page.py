"""Lessons as pages, in a real browser: by keyboard, at 360 px, and nothing leaves the page."""

import os
import shutil

import pytest

import made_pages
from test_page_access import AXE, violations
from course import library, workshop
from course.page import folder

WHY_NOT = made_pages.why_no_browser() or (None if shutil.which("gcc") else "no gcc")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
webdriver = pytest.importorskip("selenium.webdriver")
ENTER, TAB = "\ue007", "\ue004"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The course of one lesson, as `make course` makes it."""
    home, kept = tmp_path_factory.mktemp("course"), {}

    def shop_of(lesson):
        return workshop.Workshop(str(home / "work" / lesson.name), kept=kept)

    chosen = [library.lesson("first-malloc")]
    assert folder.write(chosen, str(home / "pages"), shop_of, lambda name: None) == []
    return home / "pages"


def test_a_prediction_is_typed_judged_and_kept_in_the_address(browser, made):
    browser.open(made / "first-malloc.html", width=360)
    assert browser.js("return document.querySelectorAll('section.later:not([hidden])').length") == 0
    browser.keys("#q1-in", "4", ENTER)
    browser.keys("#q2-in", "24", ENTER)
    assert browser.hash() == "#q1=4&q2=24"
    assert browser.js("return document.querySelectorAll('section[hidden]').length") == 0
    assert "every call goes to the kernel" in browser.text("#q1-resolved")
    assert "as much as I asked for" in browser.text("#q2-resolved")
    browser.keys("#q1-in", "\b", "1", ENTER)
    assert "right" in browser.text("#q1-resolved")
    assert browser.js("return document.documentElement.scrollWidth") == 360
    assert browser.complaints() == []


def test_an_address_that_someone_made_is_harmless(browser, made):
    browser.open(made / "first-malloc.html", "#q1=<img src=x>&q9=1&__proto__=1")
    assert browser.js("return document.images.length") == 0
    assert browser.complaints() == []


def test_who_has_no_number_goes_on_and_is_told(browser, made):
    browser.open(made / "first-malloc.html")
    browser.keys("#q1-in", ENTER)
    assert "A guess is enough" in browser.text("#q1-told")
    browser.click("#go button")
    assert "It is: 1." in browser.text("#q1-resolved")


def test_the_folder_has_an_index_and_traces(made):
    assert 'href="first-malloc.html"' in (made / "index.html").read_text()
    assert sorted(os.listdir(made / "traces")) == [
        *("first-malloc.%s.brkpoint" % name for name in ("first", "large", "many")),
        "words.words.brkpoint",
    ]


def test_the_words_are_linked_from_every_page(made):
    words = (made / "words.html").read_text()
    assert '<dt id="page-fault">page fault</dt>' in words and "no example" not in words
    assert words.count("Here: ") > 20
    for name in ("index.html", "first-malloc.html", "first-malloc.run.html"):
        assert 'href="words.html"' in (made / name).read_text()


def test_by_keyboard_alone(browser, made):
    browser.open(made / "first-malloc.html", width=360)
    press(browser, "4", ENTER, to="q1-in")
    press(browser, "128 KiB", ENTER, to="q2-in")
    browser.wait("!document.querySelector('section[hidden]')")
    place = "return document.activeElement.closest('.ask')?.id + document.activeElement.type"
    for _ in range(200):
        press(browser, TAB)
        if browser.js(place) == "q3radio":
            break
    press(browser, " ", TAB, ENTER)
    browser.wait("location.hash.includes('q3=a')")
    assert "the top is endless" in browser.text("#q3-told")
    assert browser.js("return document.querySelector('.after').open") is True
    assert browser.complaints() == []


def press(browser, *keys, to=None):
    """Keys to whatever has the focus; `to`: first Tab until that has it."""
    for _ in range(200):
        if to is None or browser.js("return document.activeElement.id") == to:
            break
        press(browser, TAB)
    chain = webdriver.ActionChains(browser.driver)
    chain.send_keys(*keys).perform()


@pytest.mark.skipif(not os.path.exists(AXE), reason="no axe-core: ./setup")
@pytest.mark.parametrize(
    "name, width, dark",
    [
        ("first-malloc", 1280, True),
        ("first-malloc", 360, False),
        ("index", 360, True),
        ("words", 360, False),
        ("first-malloc.run", 360, True),
    ],
)
def test_axe_finds_nothing(browser, made, name, width, dark):
    browser.open(made / (name + ".html"), "#on=1", width=width, dark=dark)
    browser.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(browser) == []
    assert browser.js("return document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []


def test_from_stored_traces_nothing_is_run_and_it_says_so(made, tmp_path):
    shop = workshop.Workshop(str(tmp_path / "work"), [str(made / "traces")], only_stored=True)
    text, runs = folder.lesson_page(library.lesson("first-malloc"), shop)
    assert "From a stored trace" in text and len(runs.had()) == 3
    assert not os.path.exists(tmp_path / "work")
