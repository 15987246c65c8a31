"""make install, uninstall and clean, into a folder of the test's own."""

import os
import shutil
import subprocess

import making
import pytest

from start import recorder

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PREFIX = "/opt/a prefix"


def make(verb, folder, *settings):
    words = [verb, "DESTDIR=%s" % folder, "PREFIX=" + PREFIX, *settings]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = making.make(*words, check=False, **both)
    assert done.returncode == 0, done.stdout.decode()


def files_below(folder):
    return {
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder)
        for name in names
    }


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """An installation that nobody runs or changes."""
    folder = tmp_path_factory.mktemp("untouched")
    make("install", folder)
    return folder


@pytest.fixture(scope="module")
def installed(untouched, tmp_path_factory):
    """One to run things from: tests share it."""
    return shutil.copytree(untouched, tmp_path_factory.mktemp("used") / "top", symlinks=True)


@pytest.fixture
def fresh(untouched, tmp_path):
    """One to change."""
    return shutil.copytree(untouched, tmp_path / "top", symlinks=True)


def test_the_installed_one_observes_a_program(installed, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.c").write_text("#include <stdlib.h>\nint main(void) { return !malloc(1009); }\n")
    subprocess.run(["gcc", "-O0", "-fno-builtin", "a.c"], cwd=work, check=True)
    command = [str(installed) + PREFIX + "/bin/brkpoint", "./a.out"]
    done = subprocess.run(command, cwd=work, stderr=subprocess.PIPE, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "malloc 1009" in done.stderr
    assert [name for name in os.listdir(work) if name.endswith(".brkpoint")]


def test_what_is_installed(untouched):
    found = {name[len(PREFIX) :] for name in files_below(untouched)}
    share = {
        "share/man/man1/brkpoint.1",
        "share/bash-completion/completions/brkpoint",
        "share/zsh/site-functions/_brkpoint",
        "share/fish/vendor_completions.d/brkpoint.fish",
    }
    share |= {name.replace("brkpoint", "mexe") for name in share}
    lib = {name for name in found if name.startswith("lib/brkpoint/")}
    docs = {name for name in found if name.startswith("share/doc/brkpoint/")}
    region = {"lib/libbrkpoint_region.a", "include/brkpoint_region.h"}
    region.add("share/brkpoint/brkpoint_region.rs")
    assert found == lib | share | docs | region | {"bin/brkpoint", "bin/mexe"}
    assert {"share/doc/brkpoint/" + name for name in ("gdb.md", "run.md", "README.md")} <= docs
    assert {"lib/brkpoint/gdb-scripts/engine.py", "lib/brkpoint/setup.packages"} <= lib
    assert not [name for name in lib if "__pycache__" in name or "/tests/" in name]
    assert os.readlink(str(untouched) + PREFIX + "/bin/brkpoint") == "../lib/brkpoint/brkpoint"


@pytest.mark.skipif(recorder.find() is None, reason="the recorder is not built")
def test_the_installed_recorder_records(installed, tmp_path):
    command = [str(installed) + PREFIX + "/bin/brkpoint", "--engine", "recorder", "--quiet"]
    command += ["-o", str(tmp_path / "trace"), "/bin/true"]
    assert subprocess.run(command, check=False).returncode == 0
    assert (tmp_path / "trace").exists()


@pytest.mark.skipif(recorder.find() is None, reason="the recorder is not built")
def test_the_program_that_makes_bytes_was_built_for_what_is_installed(untouched):
    lib = str(untouched) + PREFIX + "/lib/brkpoint"
    script = "from exports import maker; print(maker.find(), maker.greeting(), sep='\\n', end='')"
    words = ["/usr/bin/python3", "-B", "-c", script]
    found = subprocess.run(words, cwd=lib, stdout=subprocess.PIPE, text=True, check=True).stdout
    program, _, greeting = found.partition("\n")
    assert os.path.dirname(program) == os.path.realpath(lib) + "/recorder"
    said = subprocess.run([program, "rows"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert said.stdout.decode() == greeting


def test_a_program_links_with_the_installed_library_of_regions(installed, tmp_path):
    top, program = str(installed) + PREFIX, str(tmp_path / "a.out")
    source = "#include <brkpoint_region.h>\n#include <stdlib.h>\nint main(void)\n"
    source += '{ brkpoint_region_begin("parse"); return !malloc(1009); }'
    command = ["gcc", "-O0", "-I%s/include" % top, "-x", "c", "-", "-x", "none", "-o", program]
    command += ["-L%s/lib" % top, "-lbrkpoint_region"]
    subprocess.run(command, input=source, text=True, check=True)
    rule = ["--budget", "all user in region parse calls = 1"]
    command = [top + "/bin/brkpoint", "check", *rule, "--", program]
    assert subprocess.run(command, stdout=subprocess.PIPE, cwd=str(tmp_path)).returncode == 0


def test_the_installed_evaluator_evaluates(installed):
    command = [str(installed) + PREFIX + "/bin/mexe", "2 * (3 + 4.5)"]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"15\n"


def test_without_a_compiler_the_evaluator_is_left_out(tmp_path):
    make("install", tmp_path, "CC=no-such-compiler")
    found = files_below(tmp_path)
    assert PREFIX[1:] + "/bin/brkpoint" in found
    assert not [name for name in found if os.path.basename(name).startswith(("mexe.1", "_mexe"))]


def test_installing_twice_leaves_what_once_leaves(fresh):
    stray = fresh / (PREFIX[1:] + "/lib/brkpoint/command/of_an_older_version.py")
    before = files_below(fresh)
    stray.write_text("")
    make("install", fresh)
    assert files_below(fresh) == before


def test_uninstall_removes_exactly_what_install_put_there(fresh):
    other = fresh / (PREFIX[1:] + "/bin/another")
    other.write_text("")
    make("uninstall", fresh)
    assert files_below(fresh) == {PREFIX[1:] + "/bin/another"}
    shared = os.listdir(str(fresh) + PREFIX + "/share")
    assert not {"bash-completion", "zsh", "fish"} & set(shared)


def test_twin_a_folder_of_others_stays(fresh):
    other = fresh / (PREFIX[1:] + "/share/zsh/site-functions/_other")
    other.write_text("")
    make("uninstall", fresh)
    assert other.exists()


def test_help_of_the_installed_one_names_what_is_installed(installed):
    command = [str(installed) + PREFIX + "/bin/brkpoint", "help", "gdb"]
    said = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    for line in ("source ", "The manual: "):
        path = said.partition(line)[2].partition("\n")[0]
        assert path.startswith(str(installed)) and os.path.isfile(path)


def test_the_installed_article_writes_here_and_not_into_the_installation(installed, tmp_path):
    """With a PATH that has make and no compilers: all is skipped, and that is enough to see."""
    work, path = tmp_path / "work", tmp_path / "path"
    work.mkdir()
    path.mkdir()
    for name in ("make", "sh", "head", "mkdir", "cmp", "mv", "rm", "uname", "cat", "gdb"):
        os.symlink("/usr/bin/" + name, path / name)
    before = files_below(str(installed) + PREFIX)
    command = [str(installed) + PREFIX + "/bin/brkpoint", "article"]
    done = subprocess.run(
        command, cwd=work, env={"PATH": str(path)}, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert done.returncode == 0
    assert (work / "brkpoint-article/reports/article.md").exists()
    after = files_below(str(installed) + PREFIX)
    assert {name for name in after - before if "__pycache__" not in name} == set()


def test_make_clean_keeps_what_took_minutes_to_fetch(tmp_path):
    for name in ("eras/roots/debian-12", "axe", "targets", "reports"):
        (tmp_path / "build" / name).mkdir(parents=True)
    command = ["make", "-s", "-C", str(tmp_path), "-f", TOP + "/Makefile", "clean"]
    for kept in (["axe", "eras"], []):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        build = tmp_path / "build"
        assert (sorted(os.listdir(build)) if build.exists() else []) == kept
        for name in kept:
            shutil.rmtree(build / name)
