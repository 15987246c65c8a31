"""The command line: which words are whose, what help says, which status an error has."""

import io
import os
import re
import shutil
import subprocess
import sys

import pytest

import launching
from alloctrace import words
from command import help as help_, main, run
from start import errors, heritage, target, watch
from start.errors import UserError


def brkpoint(*words, **how):
    how.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [launching.BRKPOINT, *words], stderr=subprocess.PIPE, text=True, timeout=300, **how
    )


def parse(*words):
    return run.parse(main.parser_for(run), list(words))


# ---- whose words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, options, command",
    [
        (["a"], {}, ["a"]),
        (
            ["a", "--force", "-o", "x"],
            {"force": False, "output": None},
            ["a", "--force", "-o", "x"],
        ),
        (["-o", "x", "a", "-o", "y"], {"output": "x"}, ["a", "-o", "y"]),
        (["-ox", "a"], {"output": "x"}, ["a"]),
        (["--output=x", "a"], {"output": "x"}, ["a"]),
        (["--timeout", "2.5", "--live", "a", "b"], {"timeout": 2.5, "live": True}, ["a", "b"]),
        (["--", "-a", "--", "b"], {}, ["-a", "--", "b"]),
        (["--force", "--", "--live"], {"force": True, "live": False}, ["--live"]),
        (["a", "--", "b"], {}, ["a", "--", "b"]),
        (["-", "a"], {}, ["-", "a"]),
        ([], {}, []),
    ],
)
def test_options_end_at_the_program(words, options, command):
    args = parse(*words)
    assert args.command == command
    for name, value in options.items():
        assert getattr(args, name) == value


@pytest.mark.parametrize(
    "words",
    [
        "--forc a", "--bogus a", "-o", "-o -- a", "--timeout x a", "--timeout 0 a",
        "--timeout -1 a", "--timeout nan a", "--engine magic a",
    ],
)  # fmt: skip
def test_wrong_usage(words):
    with pytest.raises(UserError, match="brkpoint help run") as caught:
        parse(*words.split())
    assert caught.value.status == 2
    assert brkpoint(*words.split()).returncode == 2


def test_nothing_to_run():
    assert brkpoint().returncode == 2
    assert brkpoint("run").returncode == 2
    assert brkpoint("--live", "--").returncode == 2


def test_a_program_named_like_a_command(tmp_path):
    script = tmp_path / "report"
    script.write_text("#!/bin/sh\necho it ran\n")
    script.chmod(0o755)
    environment = dict(os.environ, PATH="%s:%s" % (tmp_path, os.environ["PATH"]))
    words = ["run", "--quiet", "-o", str(tmp_path / "t.brkpoint"), "report"]
    assert brkpoint(*words, env=environment).stdout == "it ran\n"
    assert brkpoint("report", env=environment, cwd=tmp_path).stdout != "it ran\n"


@pytest.mark.parametrize("first", ["#!/bin/sh", "#!", ""])
def test_a_script_that_the_kernel_may_refuse(tmp_path, first):
    """A shell runs it all the same, and so its starter does."""
    script = tmp_path / "script"
    script.write_text(first + "\nexit 7\n")
    script.chmod(0o755)
    words = ["run", "--quiet", "-o", str(tmp_path / "t.brkpoint"), str(script)]
    assert brkpoint(*words).returncode == 7


# ---- help ----------------------------------------------------------------------------------------


def test_help_of_what_is_no_command():
    text = brkpoint("help", "gdb").stdout
    assert os.path.isfile(re.search(r"source (\S+)", text).group(1))
    assert os.path.isfile(re.search(r"The manual: (\S+)", text).group(1))
    assert "the engines differ" in brkpoint("help", "verify").stdout


def test_twin_of_what_there_is_not():
    done = brkpoint("help", "nonsense")
    assert done.returncode == 2 and "verify" in done.stderr


def test_help_names_every_command_and_has_examples():
    text = brkpoint("help").stdout
    for name in main.VERBS:
        assert re.search(r"^  %s +\w" % name, text, re.M), name
    assert "brkpoint ./a.out" in text
    assert text == brkpoint("--help").stdout


@pytest.mark.parametrize("name", main.VERBS)
def test_help_of_a_command_tells_every_option(name):
    verb = main.load(name)
    text = brkpoint("help", name).stdout
    for action in main.parser_for(verb)._actions:
        assert action.help, action
        for option in action.option_strings:
            assert option in text or action.dest == "pid"
    assert text == brkpoint(name, "--help").stdout
    assert too_wide(text) == [] and verb.NAME == name


def too_wide(text):
    """Lines that an ordinary terminal would break; where brkpoint lies is not in its hands."""
    return [line for line in text.replace(launching.ROOT, "").splitlines() if len(line) > 80]


@pytest.mark.parametrize("topic", [(), *((name,) for name in help_.TOPICS)])
def test_help_fits_an_ordinary_terminal(topic):
    assert too_wide(brkpoint("help", *topic).stdout) == []
    assert too_wide("x" * 80) == [] and too_wide("\n" + "x" * 81) == ["x" * 81]


def test_help_of_nothing():
    done = brkpoint("help", "nonsense")
    assert done.returncode == 2 and "there are run, explain" in done.stderr


def test_version():
    assert re.fullmatch(r"brkpoint \d+\.\d+\.\d+\n", brkpoint("--version").stdout)


# ---- errors --------------------------------------------------------------------------------------


def test_a_users_error_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(main, "_dispatch", raising(UserError("what to do", 7)))
    assert main.main([]) == 7
    assert capsys.readouterr().err == "brkpoint: what to do\n"


def test_our_error_has_a_traceback(monkeypatch, capsys):
    monkeypatch.setattr(main, "_dispatch", raising(ValueError("oops")))
    assert main.main([]) == 125
    said = capsys.readouterr().err
    assert "Traceback" in said and "bug in brkpoint" in said


def raising(error):
    def raise_it(*_):
        raise error

    return raise_it


def test_a_missing_verb_harms_no_other(tmp_path):
    copy = tmp_path / "install"
    shutil.copytree(launching.ROOT, copy, ignore=shutil.ignore_patterns(".git", "build", "tests"))
    (copy / "command" / "article.py").unlink()
    tool = str(copy / "brkpoint")
    text = subprocess.run([tool, "help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "  article" not in text and "  report" in text
    done = subprocess.run([tool, "article"], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (125, "brkpoint: this installation has no `article`\n")


@pytest.mark.parametrize("verb", ["help", "export --list"])
@pytest.mark.parametrize(
    "where, status", [(">/dev/full", 125), (">&-", 125), ("| head -c1 >/dev/null", 0)]
)
def test_output_that_cannot_be_written(verb, where, status):
    words = ["sh", "-c", "%s %s %s" % (os.fsdecode(launching.BRKPOINT), verb, where)]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True)
    assert done.returncode == status
    assert done.stderr.count("\n") == (1 if status else 0)


def test_a_reader_that_leaves_changes_no_status():
    """`| head`: the difference is there, whoever reads of it."""
    alloc, leak = (
        os.path.join(launching.ROOT, "tests/data/traces", name + ".brkpoint")
        for name in ("alloc", "leak")
    )
    for other, status in ((alloc, 0), (leak, 1)):
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "wb") as out:
            done = subprocess.run(
                [launching.BRKPOINT, "diff", alloc, other], stdout=out, stderr=subprocess.PIPE
            )
        assert (done.returncode, done.stderr) == (status, b"")


def test_untrusted_text_is_shown_as_one_tame_line():
    assert errors.shown(b"a\xff\x1b[31m\nb") == "a\\xff\\x1b[31m\\x0ab"
    assert errors.shown("x" * 1000) == "x" * 400 + "…"
    assert errors.shown("caf\u00e9") == "caf\u00e9"


def test_names_of_signals():
    assert words.signal_name(15) == "SIGTERM"
    assert words.signal_name(40) == "signal 40"


# ---- the file `brkpoint` -------------------------------------------------------------------------


def test_it_works_through_a_link_from_anywhere(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "brk").symlink_to(os.fsdecode(launching.BRKPOINT))
    (tmp_path / "again").symlink_to("bin/brk")
    done = subprocess.run([str(tmp_path / "again"), "--version"], stdout=subprocess.PIPE, cwd="/")
    assert done.stdout.startswith(b"brkpoint ")


def test_the_current_folder_is_no_source_of_code(tmp_path):
    for name in ("command", "start", "alloctrace", "reports", "argparse", "json", "sitecustomize"):
        (tmp_path / (name + ".py")).write_text("open('taken-over', 'w')")
    environment = dict(os.environ, PYTHONPATH=str(tmp_path), PYTHONSTARTUP="argparse.py")
    assert brkpoint("help", cwd=tmp_path, env=environment).returncode == 0
    assert not (tmp_path / "taken-over").exists()
    words = [sys.executable, "-c", "import argparse"]
    subprocess.run(words, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    assert (tmp_path / "taken-over").exists()  # what an ordinary script would have done


def test_the_output_follows_the_locale():
    def arrows(**locale):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
        return brkpoint("no\u00e9", env={**kept, **locale}, encoding="latin-1").stderr

    assert "no\\xe9" in arrows(LANG="de_DE.ISO-8859-1")
    assert "no\u00c3\u00a9" in arrows(LANG="C.UTF-8")
    assert "no\u00c3\u00a9" in arrows()


# ---- what brkpoint knows of its own start --------------------------------------------------------


def test_ignored_signals_of_a_parent_that_restores_them(monkeypatch):
    assert "python3.11".startswith(heritage._RESTORING)
    assert not "bash".startswith(heritage._RESTORING)
    monkeypatch.setattr(heritage.os, "readlink", lambda path: "/usr/bin/python3.11")
    assert heritage._ignored_by_parent() == set()
    monkeypatch.setattr(heritage.os, "readlink", lambda path: "/usr/bin/bash")
    monkeypatch.setattr(heritage, "_read", lambda path: b"SigIgn:\t0000000000001000\n")
    assert heritage._ignored_by_parent() == {13}


def test_a_proc_that_tells_no_ignored_signals(monkeypatch):
    monkeypatch.setattr(heritage.os, "readlink", lambda path: "/usr/bin/bash")
    for told, expected in (("SigIgn:\t0000000180001000\n", 0b11 << 31), ("", 0)):
        status = "Name:\tbash\n" + told
        monkeypatch.setattr(heritage, "_read", lambda path: status.encode())
        monkeypatch.setattr(watch, "open", lambda *_, **__: io.StringIO(status), raising=False)
        assert heritage._ignored_by_parent() == ({13} if told else set())
        assert target._ignored_of_libc() == expected


def test_signals_that_were_ignored_are_not_waited_for():
    assert 1 in watch.waited(set())
    assert 1 not in watch.waited({1, 17})
    assert 17 in watch.waited({1, 17})  # SIGCHLD: needed whatever came before
