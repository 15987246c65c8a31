"""The page on paper: light, and nothing that must be scrolled for."""

import pytest

import made_pages

WHY_NOT = made_pages.why_no_browser()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))


def test_paper_is_light_and_holds_all_lines(browser, pages):
    """Of a list that scrolls, and of tables that do."""
    browser.open(pages["real"], "#step=20", dark=True)
    script = "return getComputedStyle(document.documentElement).getPropertyValue('--page').trim()"
    assert browser.js(script) == "#17181a"
    browser.js("window.dispatchEvent(new Event('beforeprint'))")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.js(script) == "#fffefb"
    told = browser.js("return document.querySelectorAll('#events-list .line').length")
    assert told == int(browser.text("#events-said").split()[0])
    wide = "return document.querySelector('#sites-table').scrollWidth - innerWidth"
    assert browser.js(wide) <= 0
    browser.js("window.dispatchEvent(new Event('afterprint'))")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert browser.js("return document.querySelectorAll('#events-list .line').length") < told
    assert browser.complaints() == []
