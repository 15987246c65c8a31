"""The pictures of other tools' viewers in docs/exports.md: `make export-pictures`."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [TOP, os.path.join(TOP, "tests")]

import made_pages  # noqa: E402

FOLDER = os.path.join(TOP, "docs", "pictures")
PROGRAM = "build/targets/vec_fn"
DH_VIEW = "/usr/libexec/valgrind/dh_view.html"
SPEEDSCOPE = os.path.join(
    TOP, "build", "readers", "node_modules", "speedscope", "dist", "release", "index.html"
)
SIZE = 1000, 760
_SHOW_DHAT = "gData = JSON.parse(arguments[0]); buildTree(); displayTree(0, 0, 0);"
_SHOW_SPEEDSCOPE = 'speedscope.loadFileFromBase64("%s", "%s");'
_LIMIT_S = 20


def main():
    why_not = made_pages.why_no_browser()
    if why_not:
        sys.exit("no pictures without a browser: %s" % why_not)
    with tempfile.TemporaryDirectory() as folder, made_pages.browser() as browser:
        trace = os.path.join(folder, "a.brkpoint")
        words = ["./brkpoint", "run", "--quiet", "-o", trace, PROGRAM]
        subprocess.run(words, cwd=TOP, check=True, stdout=subprocess.DEVNULL)
        driver = browser.driver
        driver.set_window_size(*SIZE)
        driver.get("file://" + DH_VIEW)
        driver.execute_script(_SHOW_DHAT, exported(trace, "dhat").decode())
        take(driver, "dh_view")
        script = os.path.join(folder, "profile.js")  # as its command hands a file over
        with open(script, "w") as file:
            text = base64.b64encode(exported(trace, "speedscope")).decode()
            file.write(_SHOW_SPEEDSCOPE % ("vec_fn.speedscope.json", text))
        driver.get("file://%s#localProfilePath=%s" % (SPEEDSCOPE, script))
        until(driver, "return document.body.innerText.includes('bytes asked for')")
        take(driver, "speedscope")


def exported(trace, name):
    words = ["./brkpoint", "export", trace, "--format", name]
    return subprocess.run(words, cwd=TOP, check=True, capture_output=True).stdout


def until(driver, question):
    end = time.monotonic() + _LIMIT_S
    while not driver.execute_script(question):
        if time.monotonic() > end:
            sys.exit("the viewer shows nothing")
        time.sleep(0.1)
    time.sleep(1)  # it draws


def take(driver, name):
    made = driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"]
    with open(os.path.join(FOLDER, name + ".png"), "wb") as file:
        file.write(base64.b64decode(made))


if __name__ == "__main__":
    main()
