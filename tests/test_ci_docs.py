"""The files that docs/ci.md gives for CI: read as their readers do, and their commands run."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest
from target_programs import ROOT

yaml = pytest.importorskip("yaml", reason="needs python3-yaml: ./setup test")
SOURCE = """#include <stdlib.h>
char *volatile kept;
int main(void) { kept = malloc(31); free(kept); return 0; }
"""
BUDGET = "run ./a.out --small\nmain user calls = 2\nall any live <= 99\n"


def blocks(language):
    """The examples of the manual in that language: {name in their first line: text}."""
    with open(os.path.join(ROOT, "docs", "ci.md"), encoding="utf-8") as file:
        found = re.findall(r"^```%s\n(.*?)^```$" % language, file.read(), re.M | re.S)
    return {text.split("\n", 1)[0].strip("# "): text for text in found}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Where brkpoint is installed; beside it tools that must not change this machine."""
    folder = tmp_path_factory.mktemp("stage")
    tools = folder / "tools"
    tools.mkdir()
    _tool(tools / "sudo", 'exec "$@"')
    _tool(tools / "apt-get", "exit 0")
    clone = 'for last; do :; done; exec ln -s "$REPOSITORY" "$last"'
    _tool(
        tools / "git",
        'case "$1" in clone) %s;; *) exec %s "$@";; esac' % (clone, shutil.which("git")),
    )
    make = shutil.which("make")
    install = (
        'case "$*" in *install*) [ -e %s/usr ] || exec %s "$@" DESTDIR=%s;; *) exec %s "$@";; esac'
    )
    _tool(tools / "make", install % (folder, make, folder, make))  # once
    return folder


def _tool(path, text):
    path.write_text("#!/bin/sh\n%s\n" % text)
    path.chmod(0o755)


@pytest.fixture
def project(tmp_path):
    """A project with the Makefile of the manual."""
    (tmp_path / "a.c").write_text(SOURCE)
    rule = "a.out: a.c\n\tgcc -g -O0 -fno-builtin -o $@ a.c\n\n"
    (tmp_path / "Makefile").write_text(rule + blocks("make")["Makefile"])
    (tmp_path / "brkpoint.budget").write_text(BUDGET)
    return tmp_path


def run(line, project, stage, **more):
    path = "%s/tools:%s/usr/local/bin:%s" % (stage, stage, os.environ["PATH"])
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GITHUB_")}
    environ.update(PATH=path, MAKEFLAGS="", REPOSITORY=ROOT, BRKPOINT_REPOSITORY=ROOT, **more)
    return subprocess.run(
        line,
        shell=True,
        cwd=str(project),
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def all_run(lines, project, stage, **more):
    """Each line as it stands; what the last one said."""
    for line in lines:
        if "setup" in line:  # installs packages: it is only asked what it would do
            assert os.access(os.path.join(ROOT, "setup"), os.X_OK)
            assert re.fullmatch(r"\./brkpoint/setup (run|article)", line)
            continue
        done = run(line, project, stage, **more)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done


def test_github(project, stage):
    (job,) = yaml.safe_load(blocks("yaml")[".github/workflows/allocations.yml"])["jobs"].values()
    checkouts = [step["with"]["path"] for step in job["steps"] if "with" in step]
    assert checkouts == ["brkpoint"] and job["runs-on"].startswith("ubuntu-")
    os.symlink(ROOT, str(project / "brkpoint"))
    lines = [step["run"] for step in job["steps"] if "run" in step]
    assert lines[-1].startswith("brkpoint check") and len(lines) == 4
    summary = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(project / "summary.md")}
    done = all_run(lines, project, stage, GITHUB_WORKSPACE=str(project), **summary)
    assert "2 budgets kept" in done.stdout
    assert "main user calls" in (project / "summary.md").read_text()

    (project / "brkpoint.budget").write_text(BUDGET.replace("= 2", "= 0"))  # the twin
    done = run(lines[-1], project, stage, GITHUB_WORKSPACE=str(project), **summary)
    assert done.returncode == 1
    assert "::error file=a.c,line=3,title=main user calls = 0::" in done.stdout


def test_gitlab(project, stage):
    (job,) = yaml.safe_load(blocks("yaml")[".gitlab-ci.yml"]).values()
    done = all_run(job["before_script"] + job["script"], project, stage)
    assert "2 budgets kept" in done.stdout
    report = xml.parse(str(project / job["artifacts"]["reports"]["junit"]))
    assert len(report.findall(".//testcase")) == 2


def test_plain_make_and_a_trace_that_was_recorded_elsewhere(project, stage):
    all_run(["make -s -C %s install" % ROOT, "make check-allocations"], project, stage)
    lines = [text for text in blocks("sh").values() if "--trace" in text]
    done = all_run(lines[0].strip().split("\n"), project, stage)
    assert "2 budgets kept" in done.stdout


def test_where_ptrace_is_forbidden_nothing_is_said_to_be_kept(project):
    """In a container whose filter forbids it; judging a trace needs none."""
    subprocess.run(["make", "-s"], cwd=str(project), check=True, env=dict(os.environ, MAKEFLAGS=""))
    brkpoint = os.path.join(ROOT, "brkpoint")
    record = [brkpoint, "--quiet", "-o", "run.brkpoint", "./a.out", "--small"]
    subprocess.run(record, cwd=str(project), check=True)
    script = (
        "import os, sys; sys.path[:0] = sys.argv[1:3]\n"
        "import test_doctor; test_doctor.forbid_ptrace()\n"
        "os.execv(sys.argv[3], sys.argv[3:])"
    )
    tests = os.path.join(ROOT, "tests")
    command = [sys.executable, "-c", script, ROOT, tests, brkpoint, "check", "--json"]

    def check(*words):
        done = subprocess.run(
            [*command, *words], cwd=str(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    status, told, said = check()
    assert status == 2 and "kept" not in told, (told, said)
    assert "ptrace" in said or "trace" in said
    status, told, _ = check("--trace", "run.brkpoint")
    assert status == 0 and json.loads(told)["counts"]["kept"] == 2
