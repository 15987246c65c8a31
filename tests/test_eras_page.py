"""The page of eras in a real browser: whether people can use it who see or point otherwise."""

import json
import os

import pytest

import made_pages
from eras import plan, comparison
from reports.eras import page
from test_page_access import WHY_NOT, violations

pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def test_the_page_can_be_used_by_all(tmp_path):
    results = {}
    for era in ("debian-11", "debian-12"):
        with open(os.path.join(DATA, "eras", era + ".json"), encoding="utf-8") as file:
            told = json.load(file)
        results[told["cell"]] = told
    path = str(tmp_path / "eras.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write(page.render(comparison.of(plan.read(), results, "today")))
    with made_pages.browser() as browser:
        for width, dark in ((1280, False), (360, True)):
            browser.open(path, width=width, dark=dark)
            assert violations(browser) == []
            wide = browser.js("return document.documentElement.scrollWidth")
            assert wide <= width
        browser.js("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x>')")
        assert violations(browser) != []
