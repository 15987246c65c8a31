"""The pictures of the page, for README and docs/page.md: `make page-pictures`."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [TOP, os.path.join(TOP, "tests")]

import made_pages  # noqa: E402

FOLDER = os.path.join(TOP, "docs", "pictures")
PROGRAM = "build/targets/grow"  # as a reader in the clone would type it
WIDTH, MARGIN = 900, 12
# Name: what is looked at, from the top of one element to the bottom of another, by its view.
PICTURES = {
    "strip": ("#step={moved}", "#strip h2", "#strip .drawing"),
    "step": ("#step={moved}", "#card h2", "#step"),
    "memory": ("#step={moved}", "#memory h2", "#space table"),
}
_PLACE = """const [first, last] = [...arguments].map((name) =>
    document.querySelector(name).getBoundingClientRect());
return [first.top + scrollY, last.bottom - first.top];"""


def main():
    why_not = made_pages.why_no_browser()
    if why_not:
        sys.exit("no pictures without a browser: %s" % why_not)
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, made_pages.browser() as browser:
        trace = os.path.join(folder, "grow.brkpoint")
        words = ["./brkpoint", "explain", "--no-open", "--quiet", "-o", trace, PROGRAM]
        subprocess.run(words, cwd=TOP, check=True, stdout=subprocess.DEVNULL)
        page = trace.replace(".brkpoint", ".html")
        for name, (view, first, last) in PICTURES.items():
            take(browser, page, view.format(moved=first_move(browser, page)), first, last, name)


def first_move(browser, page):
    """The first realloc that reached the kernel."""
    browser.open(page, "#only=reached&phase=main")
    script = "return document.querySelectorAll('#events-list .line')[%d].dataset.seq"
    return browser.js(script % 7)


def take(browser, page, view, first, last, name):
    browser.open(page, view, width=WIDTH)
    top, high = browser.js(_PLACE, first, last)
    clip = {"x": 0, "y": top - MARGIN, "width": WIDTH, "height": high + MARGIN, "scale": 1}
    wanted = {"captureBeyondViewport": True, "clip": clip}
    made = browser.driver.execute_cdp_cmd("Page.captureScreenshot", wanted)["data"]
    with open(os.path.join(FOLDER, name + ".png"), "wb") as file:
        file.write(base64.b64decode(made))


if __name__ == "__main__":
    main()
