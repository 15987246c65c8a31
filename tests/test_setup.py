"""./setup, with an apt-get and an id of our own first in PATH: nothing is really installed."""

import os
import shutil
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SYSTEM = ("sh", "awk", "cut", "dirname", "env", "grep", "tr", "cat", "chmod")

LIST = """# a comment : with : colons
[run]
alpha : alpha-tool : the first thing
[article]
beta : beta-tool : the second thing
[test]
gamma : gamma-tool : the third thing
"""


class Machine:
    """A folder that is the whole PATH: commands in it exist, others do not."""

    def __init__(self, folder):
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "log"
        self.list = folder / "list"
        self.list.write_text(LIST)
        for name in SYSTEM:
            os.symlink("/usr/bin/" + name, self.bin / name)
        self.command("id", "echo 0")

    def command(self, name, script="exit 0"):
        path = self.bin / name
        path.write_text("#!/bin/sh\n%s\n" % script)
        path.chmod(0o755)

    def apt(self, installs=True):
        """An apt-get that puts PACKAGE-tool into PATH for each package it shall install."""
        sizes = 'case "$*" in *--assume-no*) echo "Need to get 7 kB"; exit 1;; esac'
        made = 'for p; do case $p in alpha|beta|gamma) echo "exit 0" > "%s/$p-tool";' % self.bin
        made += ' chmod +x "%s/$p-tool";; esac; done' % self.bin
        script = 'echo "$*" >> "%s"\n%s\n%s' % (self.log, sizes, made if installs else "exit 0")
        self.command("apt-get", script)

    def setup(self, *args, top=TOP, **more):
        environ = {"PATH": str(self.bin), "SETUP_PACKAGES": str(self.list), **more}
        return subprocess.run(
            ["/bin/sh", str(top) + "/setup", *args],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )

    def installs(self):
        """The lines with which apt-get was told to install for good."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith("install ") and " -y " in line]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_installs_what_is_missing_in_one_call_and_says_how_large(machine):
    machine.apt()
    machine.command("beta-tool")
    result = machine.setup()
    assert result.returncode == 0, result.stdout
    assert "alpha" in result.stdout and "the third thing" in result.stdout
    assert "Need to get 7 kB" in result.stdout
    (line,) = machine.installs()
    assert line.split()[-2:] == ["alpha", "gamma"]
    assert "--no-install-recommends" in line


def test_the_second_time_it_does_nothing(machine):
    machine.apt()
    machine.setup()
    before = machine.log.read_text()
    result = machine.setup()
    assert result.stdout == "setup: everything is there already\n"
    assert machine.log.read_text() == before


def test_a_command_from_elsewhere_counts(machine):
    for name in ("alpha", "beta", "gamma"):
        machine.command(name + "-tool")
    assert machine.setup().returncode == 0  # and there is no apt-get at all


@pytest.mark.parametrize("section, wanted", [("run", 1), ("article", 2), ("test", 3)])
def test_a_section_holds_those_before_it(machine, section, wanted):
    machine.apt()
    assert machine.setup(section).returncode == 0
    tools = [name for name in os.listdir(machine.bin) if name.endswith("-tool")]
    assert len(tools) == wanted


def test_an_installation_that_does_not_help_is_a_failure(machine):
    machine.apt(installs=False)
    result = machine.setup()
    assert result.returncode == 1
    assert "still fail" in result.stdout


def test_apt_that_fails_is_a_failure(machine):
    machine.command("apt-get", "exit 100")
    result = machine.setup()
    assert result.returncode == 1
    assert "apt-get failed" in result.stdout


def test_what_apt_does_not_have_is_left_out_and_the_rest_installed(machine):
    """One name that an older or newer release lacks is no reason to install nothing."""
    machine.apt()
    machine.command("apt-cache", '[ "$2" != beta ]')
    result = machine.setup()
    assert result.returncode == 1
    assert "apt has no package beta here: left out" in result.stdout
    assert "still fail" in result.stdout and "the second thing" in result.stdout
    (line,) = machine.installs()
    assert line.split()[-2:] == ["alpha", "gamma"]


def test_twin_where_it_has_all_nothing_is_left_out(machine):
    machine.apt()
    machine.command("apt-cache")
    result = machine.setup()
    assert result.returncode == 0 and "left out" not in result.stdout


def test_another_distribution_is_told_what_is_needed(machine):
    result = machine.setup()
    assert result.returncode == 1
    assert "no apt-get here" in result.stdout
    assert "the second thing" in result.stdout


def test_without_root_it_goes_through_sudo(machine):
    machine.apt()
    machine.command("id", "echo 1000")
    machine.command("sudo", 'echo sudo >> "%s"; exec "$@"' % machine.log)
    assert machine.setup().returncode == 0
    lines = machine.log.read_text().splitlines()
    assert lines.count("sudo") == 2  # update and install; checks run as the user
    assert machine.installs()


def test_without_root_and_sudo_it_says_the_command(machine):
    machine.apt()
    machine.command("id", "echo 1000")
    result = machine.setup()
    assert result.returncode == 1
    assert "as root type:" in result.stdout
    assert not machine.installs()


@pytest.mark.parametrize("args", [("nonsense",), ("--nonsense",), ("run", "article")])
def test_wrong_usage(machine, args):
    machine.apt()
    assert machine.setup(*args).returncode == 2
    assert not machine.log.exists()


def test_help_is_no_error(machine):
    result = machine.setup("--help")
    assert result.returncode == 0
    assert "./setup [run|article|test|eras|bench|real]" in result.stdout


def rows(text):
    return [line.split(" : ") for line in text.splitlines() if line and line[0] not in "#["]


def test_each_row_of_the_real_list_is_whole_and_stands_once():
    with open(TOP + "/setup.packages", encoding="utf-8") as file:
        found = rows(file.read())
    assert all(len(row) == 3 for row in found), [row for row in found if len(row) != 3]
    names = [row[0] for row in found]
    assert len(set(names)) == len(names)
    assert "gdb" in names


def test_what_only_a_benchmark_needs_is_not_installed_by_default(machine):
    machine.list.write_text(LIST + "[bench]\ndelta : delta-tool : the fourth thing\n")
    machine.apt()
    assert "delta" not in machine.setup().stdout
    assert "delta" in machine.setup("bench").stdout


def test_the_real_programs_are_installed_when_asked_for(machine):
    more = "[bench]\ndelta : delta-tool : the fourth\n[real]\nepsilon : epsilon-tool : a program\n"
    machine.list.write_text(LIST + more)
    machine.apt()
    assert "epsilon" not in machine.setup().stdout
    assert "epsilon" not in machine.setup("bench").stdout
    assert "epsilon" in machine.setup("real").stdout


@pytest.fixture
def with_npm(machine, tmp_path):
    """All is there but what comes from npm; a copy of the tree's files that say what that is."""
    for name in ("alpha-tool", "beta-tool", "gamma-tool"):
        machine.command(name)
    for name in ("cmp", "cp", "mkdir", "sleep", "timeout"):
        os.symlink("/usr/bin/" + name, machine.bin / name)
    top = tmp_path / "tree"
    for of in ("axe", "readers"):
        (top / "tests" / of).mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(TOP, "tests", of, name), top / "tests" / of)
    shutil.copy(TOP + "/setup", top)
    return top


def test_a_network_that_swallows_packets_is_waited_for_once(machine, with_npm):
    machine.command("npm", 'echo "$*" >> "%s"; exec sleep 600' % machine.log)
    result = machine.setup(top=with_npm, SETUP_NPM_SECONDS="0.3")
    assert result.returncode == 0
    (line,) = machine.log.read_text().splitlines()
    assert "ci --prefix build/axe" in line and "--fetch-timeout=" in line
    assert "test_page_access.py" in result.stdout and "test_export_*.py" in result.stdout
    assert result.stdout.endswith("everything is there already\n")


def test_twin_what_npm_gives_is_fetched_once_and_leaves_nothing_out(machine, with_npm):
    machine.command("npm", 'echo "$*" >> "%s"; mkdir -p "$3/node_modules"' % machine.log)
    for _ in range(2):
        result = machine.setup(top=with_npm)
        assert result.returncode == 0 and "left out" not in result.stdout
    assert len(machine.log.read_text().splitlines()) == 2


def test_an_npm_that_fails_at_once_is_asked_for_both(machine, with_npm):
    machine.command("npm", 'echo "$*" >> "%s"; exit 1' % machine.log)
    result = machine.setup(top=with_npm)
    assert result.stdout.count("left out are") == len(machine.log.read_text().splitlines()) == 2
