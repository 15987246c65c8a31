"""The commands of docs/fleet.md, as they stand there: the census, and what a timer starts."""

import os
import re
import subprocess

import pytest

import made_exports
from test_fleet import LOOK, UNITS

FLEET = os.path.dirname(LOOK)
CENSUS = os.path.join(FLEET, "census.sh")
DUCKDB = os.path.join(made_exports.PACKAGES, "@duckdb", "node-api")
SHIM = """#!/bin/sh
exec node {reader} {packages} "$2"
"""


def block(begins):
    """The block of shell in the page that begins so."""
    with open(os.path.join(made_exports.ROOT, "docs", "fleet.md"), encoding="utf-8") as file:
        (found,) = re.findall(r"```sh\n(%s.*?)```" % re.escape(begins), file.read(), re.DOTALL)
    return found


def tool(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def environment(tmp_path):
    """`census.sh`, `brkpoint` and `duckdb` are found; two programs and a script can be asked."""
    tools, programs = tmp_path / "tools", tmp_path / "programs"
    programs.mkdir()
    for name in ("true", "sync"):
        (programs / name).write_bytes(open("/usr/bin/" + name, "rb").read())
        (programs / name).chmod(0o755)
    tool(programs, "script", "#!/bin/sh\nexit 1\n")
    reader = os.path.join(made_exports.HERE, "readers", "duckdb.js")
    tool(tools, "duckdb", SHIM.format(reader=reader, packages=made_exports.PACKAGES))
    for path in (CENSUS, os.path.join(made_exports.ROOT, "brkpoint")):
        (tools / os.path.basename(path)).symlink_to(path)
    path = "%s:%s" % (tools, os.environ["PATH"])
    return dict(os.environ, PATH=path, PROGRAMS=str(programs), HOME=str(tmp_path))


def sh(text, environment, folder):
    words = ["sh", "-euc", text]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


@made_exports.needs("parallel", "node", DUCKDB)
def test_the_census_as_the_page_says(environment, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    done = sh(block("census.sh list"), environment, folder)
    assert done.returncode == 0, done.stderr
    left = {"programs.txt", "true.csv", "sync.csv"}
    assert set(os.listdir(folder)) == left  # no script, no trace, no errors
    rows = [line.strip("[]").split(",") for line in done.stdout.splitlines()]
    assert {row[0] for row in rows} == {'"true"', '"sync"'}
    assert '"loader"' in {row[1] for row in rows}


def test_a_program_that_cannot_be_recorded_is_named(environment, tmp_path):
    done = sh("census.sh one " + str(tmp_path / "none"), environment, tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(str(tmp_path / "none") + ": 127: ")
    assert not (tmp_path / "none.csv").exists()


def test_the_list_has_as_many_as_are_asked_for(environment, tmp_path):
    found = [sh("census.sh list %d" % n, environment, tmp_path).stdout.split() for n in (1, 2, 9)]
    assert list(map(len, found)) == [1, 2, 2] and found[1] == found[2]


@made_exports.needs("systemd-analyze")
def test_the_timer_is_installed_as_the_page_says(tmp_path):
    text, started = block("install -D"), "systemctl daemon-reload && systemctl enable --now"
    assert started in text
    text = text[: text.index(started)].replace("packaging/fleet", FLEET)
    for folder in (" /usr/local", " /etc"):
        text = text.replace(folder, " %s%s" % (tmp_path, folder[1:]))
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    (tmp_path / "etc/default").mkdir()
    done = sh(text, os.environ, tmp_path)
    assert done.returncode == 0, done.stderr
    for unit in UNITS:
        assert (units / os.path.basename(unit)).read_text() == open(unit).read()
    assert os.access(tmp_path / "usr/local/lib/brkpoint-look/look.sh", os.X_OK)
    timer = str(units / "brkpoint-look@.timer")
    done = subprocess.run(["systemd-analyze", "verify", timer], capture_output=True, text=True)
    assert "brkpoint-look" not in done.stderr, done.stderr


def test_the_service_starts_the_look(tmp_path):
    """Its command line, with what systemd puts in, and stand-ins for what it starts."""
    (line,) = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", open(UNITS[0]).read(), re.MULTILINE)
    tool(tmp_path / "tools", "systemctl", '#!/bin/sh\n[ "$5" = nginx.service ] && echo 4242\n')
    tool(tmp_path / "tools", "look.sh", '#!/bin/sh\nprintf "%s|" "$@"\n')
    script = line.replace("%i", "nginx").replace("$$", "$")
    script = script.replace("/usr/local/lib/brkpoint-look/", str(tmp_path / "tools") + "/")
    environment = {"PATH": "%s:/usr/bin:/bin" % (tmp_path / "tools"), "STORE": "http://s/?a=1&b=2"}
    assert sh(script, environment, tmp_path).stdout == "4242|http://s/?a=1&b=2|10|"
