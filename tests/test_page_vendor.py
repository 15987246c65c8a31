"""The library in the page is what its lock file says: made anew, where npm can be reached."""

import json
import os
import shutil
import subprocess

import pytest

from reports.page import document
from target_programs import ROOT

HERE = os.path.join(ROOT, "reports", "page", "vendor")


def text_of(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def rebuilt(folder):
    """The library as npm's packages make it; skips where they cannot be had."""
    if not shutil.which("npm"):
        pytest.skip("no npm")
    ping = "npm ping --fetch-retries 0 --fetch-timeout 20000".split()
    if subprocess.run(ping, stderr=subprocess.DEVNULL, timeout=300).returncode:
        pytest.skip("npm's registry cannot be reached")
    made = os.path.join(folder, "d3.js")
    subprocess.run([os.path.join(HERE, "build.sh"), made], check=True, timeout=300)
    with open(made, encoding="utf-8") as file:
        return file.read()


def test_the_library_is_that_of_its_lock_file(tmp_path):
    made = rebuilt(str(tmp_path))
    assert made == text_of("d3.js")
    assert made != text_of("d3.js").replace("ascending", "descending", 1)


def test_every_package_is_locked_by_a_hash_and_licensed():
    wanted, locked = json.loads(text_of("package.json")), json.loads(text_of("package-lock.json"))
    packages = {name: row for name, row in locked["packages"].items() if name}
    assert all(row["integrity"].startswith("sha512-") for row in packages.values())
    for name, version in wanted["dependencies"].items():
        assert packages["node_modules/" + name]["version"] == version
        assert packages["node_modules/" + name]["license"] == "ISC"
        licence = text_of("LICENSE-" + name)
        assert all("// " + line in text_of("d3.js") for line in licence.splitlines() if line)


def test_it_is_readable_and_comes_first():
    assert document.SCRIPTS[0] == "vendor/d3.js"
    assert max(map(len, text_of("d3.js").splitlines())) < 200
