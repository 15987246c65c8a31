"""Lets the tests import the rooms of the checkout they lie in, and what many of them begin with."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import longest_first  # noqa: E402  (needs the path above)
import processless  # noqa: E402
import shared_cache  # noqa: E402
import world  # noqa: E402
from alloctrace import kept  # noqa: E402

world.set_up()
_WRITES = not sys.dont_write_bytecode


def pytest_collectstart():
    """Scripts that tests import would keep Python from writing any compiled file after them."""
    sys.dont_write_bytecode = not _WRITES


def pytest_configure(config):
    config.add_cleanup(shared_cache.begin(os.environ))
    if config.getoption("--no-processes"):
        config.known = processless.Known()
        # Only a look at everything tells of a file that all its tests were seen.
        option = config.option
        chosen = option.keyword or option.markexpr or option.deselect
        if not (hasattr(config, "workerinput") or chosen):
            config.pluginmanager.register(_Seen(config), "what starts processes")


class _Seen:
    def __init__(self, config):
        self._config = config

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split("::")[0]
        self._config.known.see(self._config.rootpath / name, report)

    def pytest_sessionfinish(self, exitstatus):
        if exitstatus in (0, 1) and not any("::" in word for word in self._config.args):
            self._config.known.keep()


def pytest_addoption(parser):
    parser.addoption("--no-processes", action="store_true", help="only tests that start none")


def pytest_ignore_collect(collection_path, config):
    """`--no-processes` leaves out what is slow, and of a whole look what is known to start some."""
    if not config.getoption("--no-processes"):
        return None
    named = any(str(collection_path).endswith(word.split("::")[0]) for word in config.args)
    known = collection_path.suffix == ".py" and not named and config.known.has(collection_path)
    return True if known or not processless.is_quick(collection_path) else None


def pytest_collection_modifyitems(config, items):
    items.sort(key=longest_first.place)
    if config.getoption("--no-processes") and not _files_named(config):
        known = config.known
        items[:] = [i for i in items if not known.starts(i.path, i.nodeid.partition("::")[2])]


def pytest_deselected(items):
    """By `--deselect`, `-k` or the like."""
    for item in items if items and items[0].config.getoption("--no-processes") else ():
        item.config.known.leave_out(item.path)


def _files_named(config):
    return [word for word in config.args if ".py" in word]


def pytest_collection_finish(session):
    """Not of a process that only hands out tests: that starts those that run them."""
    if session.config.getoption("--no-processes"):
        processless.forbid()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    with world.limited("the preparation of " + item.nodeid):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    with world.limited(item.nodeid):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    with world.limited("what follows " + item.nodeid):
        yield


@pytest.fixture(autouse=True)
def nothing_kept():
    """A command that a test runs in this process keeps values on disk: the next test's would be
    taken from there, and what a test puts in place of our own code would be kept for others."""
    yield
    kept.use(None)


@pytest.fixture
def cold(monkeypatch):
    """For a test of what a run does when it knows nothing from before."""
    monkeypatch.setenv(shared_cache.VARIABLE, "")


@pytest.fixture(scope="session")
def built():
    """The programs of targets/ are up to date."""
    import target_programs  # needs the path above

    target_programs.build()


@pytest.fixture(scope="module")
def preloads(tmp_path_factory):
    """(a library that counts calls, one that does nothing), to be preloaded."""
    import witnesses

    folder = tmp_path_factory.mktemp("preload")
    return witnesses.library(folder, "counter.c"), witnesses.library(folder, "inert.c")


@pytest.fixture(scope="session")
def browser():
    import made_pages

    with made_pages.browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def pages(tmp_path_factory, built):
    """{name: path} of a real run, a small one, a hostile one, one too long for its page."""
    import made_pages

    return made_pages.write_some(str(tmp_path_factory.mktemp("pages")))


@pytest.fixture(scope="session")
def record(pages):
    """The real run's, as `report --json` says it."""
    import made_pages

    return made_pages.record(pages["trace"])
