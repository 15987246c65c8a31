"""Pages to be tested: of a hostile target, of a run too long for one, and what a browser makes of
them."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from base64 import b64encode
from contextlib import contextmanager

import launching
import shared_cache
import verbs
from alloctrace.history import history
from alloctrace.model import Frame, Verdict
from alloctrace.summary import summary
from alloctrace.trace import trace
from made_records import Made
from made_traces import symbolise
from reports.page import document
from summary_fake import FakeTrace, because, call, frame, loader, syscall
from target_programs import ROOT

COMMAND = ["/usr/bin/python3", "-B", ROOT + "/brkpoint"]

SETTLED = """
const done = arguments[arguments.length - 1];
const look = () => document.querySelector("main[aria-busy]") ? setTimeout(look, 5) : done();
look();
"""

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "\"'><b onmouseover=alert(2)>",
    "javascript:alert(3)",
    "a\u202eb\u200bc\x1b[31m\udcff",
    "=1+1",
    "N" * 1000000,
)


def page_of(recorded, process="all"):
    return document.render(summary.summarise(recorded, process=process), recorded)


def hostile_trace():
    """Everything that a target may choose is chosen by an enemy."""
    events, stacks = [], {}
    for number, name in enumerate(HOSTILE):
        stacks[number + 1] = (frame(name, module=name, file="/x/" + name, line=number),)
        verdict = Verdict("user", None, (name,), False, 0, name, "frame")
        more = {"stack": number + 1, "verdict": verdict, "purpose": because(name)}
        events.append(call(number, size=1009 + number, **more))
    command = ["./" + HOSTILE[0], *HOSTILE[1:5]]
    return FakeTrace(events, stacks=stacks, notes=[HOSTILE[0]], command=command, program=command[0])


def small_trace(**run):
    """Five events: a call of the loader that reached the kernel, one of the user's that did not."""
    stacks = {1: (Frame(1, "ld.so", "/ld.so", "loader", 1, "dl_main", "rtld.c", 7),)}
    stacks[2] = (frame("main", file="/x/a.c", line=11),)
    events = [
        call(0, size=1481, phase="load", verdict=loader("x"), stack=1, purpose=because("link_map")),
        syscall(1, size=4096, cause=0, stack=1),
        call(2, size=1009, stack=2),
        call(3, "free", phase="main", block=2, ptr=0x2000, result=None, stack=2),
        call(4, size=17, stack=2),
    ]
    return FakeTrace(events, stacks=stacks, **run)


def long_trace(path, calls=12000):
    """A trace of more events than a page holds, some of which reached the kernel."""
    made = Made()
    made.info("image", index=0, path="/bin/target", entry=0x401000, t_ns=made.now)
    made.info("phase", phase="load", t_ns=made.now, how="first instruction")
    made.call("malloc", 47, result=0x4000)
    made.info("phase", phase="main", t_ns=made.tick(), how="symbol")
    for number in range(calls):
        made.enter("malloc", 100 + number % 7, line=number % 5)
        if number % 1000 == 0:
            made.syscall("brk", 4096, result=4096)
        made.leave("malloc", 0x5000)
        made.call("free", 0x5000)
    made.info("end", kind="exited", status=0, t_ns=made.tick())
    built = history.build(made.records)
    trace.write(path, built, symbolise(built), {"program": "/bin/target"})
    return path


def long():
    """One of 24,013 events, made once for all tests: only to be read."""

    def make(folder):
        long_trace(os.path.join(folder, "long.brkpoint"))

    return os.path.join(shared_cache.once("long", make), "long.brkpoint")


def write_some(folder):
    """{name: path} of a real run, a small one, a hostile one, one too long for its page."""
    found = {n: os.path.join(folder, n + ".html") for n in "real small hostile long".split()}
    found["trace"] = os.path.join(folder, "real.brkpoint")
    run = [*COMMAND, "explain", "--no-open", "-o", found["trace"], ROOT + "/build/targets/alloc"]
    subprocess.run(run, check=True, stderr=subprocess.DEVNULL)
    with trace.open(long()) as recorded:
        made = {
            "small": page_of(small_trace()),
            "hostile": page_of(hostile_trace()),
            "long": page_of(recorded),
        }
    for name, text in made.items():
        with open(found[name], "w", encoding="utf-8") as file:
            file.write(text)
    return found


def record(path):
    return json.loads(verbs.said("report", "--json", path))


def data_of(page):
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(found.group(1))


def hash_of(text):
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()


def why_no_browser():
    """Why no page can be opened here; None where one can."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "no python3-selenium"
    missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return "no " + missing[0] if missing else None


@contextmanager
def browser():
    """A headless Chromium; its logs of network and console are kept."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for word in "headless=new no-sandbox disable-gpu disable-dev-shm-usage hide-scrollbars".split():
        options.add_argument("--" + word)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    service = webdriver.chrome.service.Service(shutil.which("chromedriver"))
    driver = webdriver.Chrome(service=service, options=options)
    driver.set_script_timeout(launching.LIMIT_S)
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    def __init__(self, driver):
        self.driver = driver

    def open(self, path, hash_="", width=1280, dark=False):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get("about:blank")
        for name in ("browser", "performance"):
            self.driver.get_log(name)
        self.driver.get("file://%s%s" % (os.path.abspath(path), hash_))

    def js(self, script, *words):
        """What it returns, once the page has drawn what is due."""
        self.driver.execute_async_script(SETTLED)
        return self.driver.execute_script(script, *words)

    def element(self, selector):
        self.driver.execute_async_script(SETTLED)
        return self.driver.find_element("css selector", selector)

    def click(self, selector):
        self.element(selector).click()

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0]).textContent", selector)

    def hash(self):
        return self.js("return location.hash")

    def wait(self, condition):
        """Until it holds, in the script's words."""
        launching.wait_for(lambda: self.js("return " + condition))

    def keys(self, selector, *keys):
        self.element(selector).send_keys(*keys)

    def complaints(self):
        """What the console said, and every request but that for the page itself."""
        found = [row["message"] for row in self.driver.get_log("browser")]
        requests = []
        for row in self.driver.get_log("performance"):
            message = json.loads(row["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                requests.append(message["params"]["request"]["url"])
        return found + requests[1:]
