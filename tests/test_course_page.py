"""Lessons as pages, in a real browser: by keyboard, at 360 px, and nothing leaves the page."""

import os
import shutil

import pytest

import made_pages
from course import library, workshop
from course.page import folder

WHY_NOT = made_pages.why_no_browser() or (None if shutil.which("gcc") else "no gcc")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
ENTER = "\ue007"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The course of one lesson, as `make course` makes it."""
    home = tmp_path_factory.mktemp("course")

    def shop_of(lesson):
        return workshop.Workshop(str(home / "work" / lesson.name))

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
        "first-malloc.%s.brkpoint" % name for name in ("first", "large", "many")
    ]


def test_from_stored_traces_nothing_is_run_and_it_says_so(made, tmp_path):
    shop = workshop.Workshop(str(tmp_path / "work"), [str(made / "traces")], only_stored=True)
    text, runs = folder.lesson_page(library.lesson("first-malloc"), shop)
    assert "From a stored trace" in text and len(runs.had()) == 3
    assert not os.path.exists(tmp_path / "work")
