"""`make deb`: what the package says of itself, what it holds, and that it works in a new root."""

import os
import shutil
import subprocess

import making
import pytest

from start import version

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = "#include <stdlib.h>\nint main(void) { return !malloc(1009); }\n"

pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb here")


def asked(*words, cwd=TOP):
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Made in a folder of the test's own: another test may make one too."""
    folder = str(tmp_path_factory.mktemp("deb"))
    root, made = folder + "/root", folder + "/brkpoint.deb"
    making.make("install", "DESTDIR=" + root, "PREFIX=/usr")
    assert asked("packaging/deb", root, made) == made + "\n"
    return made


def test_what_it_says_of_itself(package):
    fields = dict(
        line.split(": ", 1)
        for line in asked("dpkg-deb", "--field", package).splitlines()
        if not line.startswith(" ")
    )
    assert fields["Package"] == "brkpoint" and fields["Version"] == version.VERSION
    needed = {word.split()[0] for word in fields["Depends"].split(", ")}
    assert {"python3", "gdb", "libc6-dbg", "libc6"} <= needed and "gcc" not in needed
    if os.path.exists(TOP + "/build/recorder/brkpoint-recorder"):
        assert any(name.startswith("libzydis") for name in needed)


def test_what_it_holds(package):
    rows = [line.split() for line in asked("dpkg-deb", "--contents", package).splitlines()]
    assert {row[1] for row in rows} == {"root/root"}
    held = {row[5] for row in rows}
    for name in ("bin/brkpoint", "share/man/man1/brkpoint.1.gz", "share/doc/brkpoint/copyright"):
        assert "./usr/" + name in held
    for name in ("brkpoint-recorder", "brkpoint-rows", "brkpoint-lines", "libbrkpoint-kernels.so"):
        is_built = os.path.exists(TOP + "/build/recorder/" + name)
        assert ("./usr/lib/brkpoint/recorder/" + name in held) == is_built
    assert all(name.startswith("./usr/") or name == "./" for name in held)
    assert not any("__pycache__" in name or "/tests/" in name for name in held)


def test_unpacked_it_observes_a_program(package, tmp_path):
    asked("dpkg-deb", "--extract", package, str(tmp_path / "root"))
    (tmp_path / "a.c").write_text(SOURCE)
    asked("gcc", "-fno-builtin", "a.c", cwd=tmp_path)
    words = [str(tmp_path / "root/usr/bin/brkpoint"), "./a.out"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "malloc 1009" in done.stderr


@pytest.mark.skipif("BRKPOINT_NEW_ROOT" not in os.environ, reason="`make test-deb` makes a root")
def test_in_a_new_root_it_is_installed_used_and_removed(package, tmp_path):
    """The release of this machine, with apt and nothing else."""
    if not shutil.which("mmdebstrap"):
        pytest.skip("no mmdebstrap here")
    with open("/etc/os-release", encoding="utf-8") as file:
        release = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
    inside = (
        "set -e; export DEBIAN_FRONTEND=noninteractive; cd /opt",
        "apt-get install -qy --no-install-recommends /opt/brkpoint.deb",
        "trap 'cat said' EXIT; brkpoint -o t.brkpoint ls / 2> said",
        "brkpoint report t.brkpoint --json > told",
        'grep -q \'"engine": "recorder"\' told; grep -q \'"complete": true\' told',
        "for name in folded pprof csv perfetto; do"
        " brkpoint export t.brkpoint --format $name -o t.$name 2>> said; test -s t.$name; done",
        "trap - EXIT; brkpoint doctor > doctor || true; apt-get purge -qy brkpoint",
        "test ! -e /usr/lib/brkpoint && test ! -e /usr/bin/brkpoint",
    )
    hooks = [
        "--customize-hook=copy-in %s /opt" % package,
        '--customize-hook=mount -t proc proc "$1/proc"',
        "--customize-hook=chroot \"$1\" sh -c '%s'" % "; ".join(inside).replace("'", "'\\''"),
    ]
    hooks.append('--customize-hook=umount "$1/proc"')
    suite = release["VERSION_CODENAME"].strip('"')
    words = ["mmdebstrap", "--variant=apt", *hooks, suite, "/dev/null", "--format=null"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
