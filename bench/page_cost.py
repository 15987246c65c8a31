#!/usr/bin/python3
"""What the page that explains a run costs to make and to look at: bench/page_cost.py [PAIRS...],
or, of a hostile target with a site for every allocation, bench/page_cost.py sites [COUNT].

Records a loop of malloc and free, of 1,000 events, of nearly 10,000 (all are in the page) and of
ten million, makes the page of each and
opens it in a headless Chromium. Each figure stands beside the wanted one, `!` where it is not
reached. A gesture costs processor time of the page's main thread, drawing and layout included: on a
machine that has nothing else to do nothing else can happen on the page for so long. What Chromium
needs for an empty page is told first: it is in the seconds of each page.
"""

import os
import resource
import subprocess
import sys
import tempfile

_TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
sys.path[:0] = [_TOP, os.path.join(_TOP, "tests")]

import made_pages  # noqa: E402
import made_sites  # noqa: E402
import size  # noqa: E402

SITES = 1_000_000
SITES_MIB = 300
PAIRS = (450, 4_400, 5_000_000)  # malloc and free: two events each
MIB = 1 << 20
# events up to which they hold: bytes of the file, seconds to make it, MiB to make it, seconds until
# it is painted and can be used
WANTED = ((2_000, (MIB, 3, 300, 1)), (1 << 60, (5 * MIB, 3, 300, 2)))
GESTURE_MS = 100
GESTURES = {
    "filter: yours": "document.querySelector('[data-number=yours]').click()",
    "filter: reached": "document.querySelector('[data-number=reached]').click()",
    "show everything": "document.querySelector('#filters .link').click()",
    "a cell of the matrix": "document.querySelector('[data-cell=\"user main\"]').click()",
    "a place": "document.querySelector('[data-site]').click()",
    "sort by the peak": "document.querySelector('[data-sort=peak_bytes]').click()",
    "search the places": "const found = document.querySelector('#sites-search');"
    " found.value = 'mid'; found.dispatchEvent(new Event('input'))",
    "turn the tree": "document.querySelector('[data-turn=out]').click()",
    "mark in the tree": "const mark = document.querySelector('#flame-search');"
    " mark.value = 'inner'; mark.dispatchEvent(new Event('input'))",
    "a range": "location.hash = '#range=1000-4000000'",
    "by time": "document.querySelector('[data-x=time]').click()",
    "by number": "document.querySelector('[data-x=number]').click()",
    "zoom": "location.hash = '#zoom=1000-400000'",
    "a step": "document.querySelector('[data-step=forward]').click()",
    "next that reached": "document.querySelector('[data-step=kernel]').click()",
    "scroll the events": "document.querySelector('#events-list').scrollTop = 9000",
    "back to all": "location.hash = ''",
}
_DO = """
const [act, done] = arguments; new Function(act)();
const end = () => document.querySelector("main[aria-busy]") ? setTimeout(end, 5) : done();
setTimeout(() => { document.body.offsetHeight; requestAnimationFrame(() => setTimeout(end)); });
"""
_TIMES = """
const begun = performance.getEntriesByType("navigation")[0];
const paint = performance.getEntriesByName("first-contentful-paint")[0];
const drawn = performance.getEntriesByName("in sight")[0];
return [drawn.startTime / 1000, paint ? paint.startTime / 1000 : null];
"""


def sites(count):
    """Every form of a report of a trace with so many sites. Making the trace takes longer."""
    with tempfile.TemporaryDirectory(prefix="brkpoint-bench-") as folder:
        trace = made_sites.write(os.path.join(folder, "sites.brkpoint"), count)
        print("%d sites, a trace of %.1f MiB" % (count, os.path.getsize(trace) / MIB))
        for form in (["--html", trace + ".html"], ["--json"], ["--markdown"], ["--summary"]):
            output = ["-o", os.devnull] if len(form) == 1 else []
            seconds, mib = report(trace, *form, *output)
            print("  %-12s %8.2f seconds of processor" % (form[0], seconds))
            tell("%s, MiB" % form[0], mib, SITES_MIB)


def main(words):
    if words[:1] == ["sites"]:
        return sites(int(words[1]) if words[1:] else SITES)
    folder = tempfile.mkdtemp(prefix="brkpoint-bench-")
    program = os.path.join(folder, "page_loop")
    source = os.path.join(_TOP, "bench", "page_loop.c")
    subprocess.run(["gcc", "-O1", "-g", "-fno-builtin", source, "-o", program], check=True)
    why_not = made_pages.why_no_browser()
    if not why_not:
        floor(folder)
    for pairs in map(int, words) if words else size.of(PAIRS, PAIRS[:1]):
        trace = record(program, pairs)
        page, seconds, mib = make(trace)
        count = len_of(trace)
        wanted = next(limits for most, limits in WANTED if count <= most)
        print("%d events, a trace of %.1f MiB" % (count, os.path.getsize(trace) / MIB))
        tell("the page, MiB", os.path.getsize(page) / MIB, wanted[0] / MIB)
        tell("made in, seconds of processor", seconds, wanted[1])
        tell("made within, MiB", mib, wanted[2])
        if why_not:
            print("  not opened: %s" % why_not)
        else:
            look_at(page, wanted[3])
    subprocess.run(["rm", "-r", folder])


def tell(name, value, wanted):
    print("  %-34s %8.2f  of %7.2f %s" % (name, value, wanted, "!" if value > wanted else ""))


def record(program, pairs):
    trace = "%s.%d.brkpoint" % (program, pairs)
    words = [os.path.join(_TOP, "brkpoint"), "run", "--quiet", "-o", trace, program, str(pairs)]
    subprocess.run(words, check=True)
    return trace


def len_of(trace):
    words = [os.path.join(_TOP, "brkpoint"), "sql", trace, "--json"]
    query = "select value from run where key = 'events'"
    said = subprocess.run([*words, query], stdout=subprocess.PIPE, check=True).stdout.decode()
    return int("".join(sign for sign in said if sign.isdigit()))


def make(trace):
    """(the page, seconds of processor, MiB at most)"""
    page = trace + ".html"
    return (page, *report(trace, "--html", page))


def report(trace, *form):
    """(seconds of processor, MiB at most)"""
    words = [os.path.join(_TOP, "brkpoint"), "report", trace, *form]
    pid = os.posix_spawn(words[0], words, os.environ)
    _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit("brkpoint report failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


EMPTY = "<!DOCTYPE html><title>-</title><p>-</p><script>performance.mark('in sight')</script>"


def floor(folder):
    """Opens a page that says nothing, as the first of a browser: what that costs is not ours."""
    page = os.path.join(folder, "empty.html")
    with open(page, "w", encoding="utf-8") as file:
        file.write(EMPTY)
    with made_pages.browser() as browser:
        browser.open(page)
        usable, painted = browser.js(_TIMES)
    print("an empty page: painted after %s seconds, can be used after %.2f" % (painted, usable))


def look_at(page, seconds):
    with made_pages.browser() as browser:
        browser.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        begun = busy(browser)
        browser.open(page)
        usable, painted = browser.js(_TIMES)  # drawn all that is in sight
        if painted is not None:
            tell("painted after, seconds", painted, seconds)
        tell("can be used after, seconds", usable, seconds)
        tell("of these, of processor", busy(browser) - begun, seconds)
        browser.driver.set_script_timeout(60)
        for name, act in GESTURES.items():
            before = busy(browser)
            browser.driver.execute_async_script(_DO, act)
            tell("%s, ms" % name, 1000 * (busy(browser) - before), GESTURE_MS)


def busy(browser):
    """Seconds of processor time that the page's main thread has spent on its tasks."""
    said = browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(row["value"] for row in said if row["name"] == "TaskDuration")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main(sys.argv[1:])
