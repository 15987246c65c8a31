"""What is generated is up to date: manual page, completions, and the run that opens README."""

import importlib
import os
import re
import shutil
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TOP, "docs", "make"))

completion = importlib.import_module("completion")
manual = importlib.import_module("manual")
options = importlib.import_module("options")
report_samples = importlib.import_module("report_samples")
transcript = importlib.import_module("transcript")

TOY = [
    options.Verb(
        "toy",
        "play: it's [fun]",
        "brkpoint toy [OPTION...] FILE",
        [
            options.Option(("-x", "--extra"), "N", (), "takes a value"),
            options.Option(("--how",), "HOW", ("slow", "fast"), "one of two"),
        ],
    )
]


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


def test_generated_files_are_up_to_date():
    command = ["/usr/bin/python3", "-B", "docs/make", "--check"]
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, universal_newlines=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_option_stands_in_the_manual_page():
    page = read("docs/man/brkpoint.1").replace("\\-", "-")
    for verb in options.verbs():
        assert ".SS brkpoint" in page and verb.name in page
        for option in verb.options:
            assert all("\\fB%s\\fR" % name in page for name in option.names), option


def test_the_manual_page_escapes_what_troff_would_obey():
    verbs = [options.Verb("v", ".so /etc/passwd", "brkpoint v", [])]
    page = manual.render("@COMMANDS@\n", verbs)
    assert "\n\\&.so" in page
    assert "a\\-b \\en" in manual.render(
        "@COMMANDS@\n", [options.Verb("v", "x a-b \\n", "brkpoint v", [])]
    )


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_the_manual_page_is_sound():
    command = ["groff", "-man", "-ww", "-Tutf8", "-z", os.path.join(TOP, "docs/man/brkpoint.1")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, b"")


# ---- completions ---------------------------------------------------------------------------------


def complete(*words, script=None):
    """What bash would offer for the last of `words`."""
    script = script or read("completions/brkpoint.bash")
    asked = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _brkpoint; printf "%s\\n" "${COMPREPLY[@]}"'
    command = ["bash", "-c", script + "\n" + asked, "bash", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, universal_newlines=True, check=True)
    return set(done.stdout.split())


def test_bash_offers_verbs_options_and_choices():
    assert {"report"} <= complete("brkpoint", "rep")
    assert complete("brkpoint", "report", "--j") == {"--json"}
    assert complete("brkpoint", "--engine", "br") == {"breakpoints"}
    assert complete("brkpoint", "run", "--engine", "br") == {"breakpoints"}
    assert complete("brkpoint", "events", "--phase", "") == {"load", "init", "main", "exit"}


def test_bash_offers_all_that_the_parsers_know(tmp_path):
    """Every verb, option, value of an option, and first word; in one bash, each asked for whole."""
    wanted = []
    for verb in options.verbs():
        wanted.append((verb.name,))
        wanted += [(verb.name, word) for word in verb.first]
        for option in verb.options:
            wanted += [(verb.name, name) for name in option.names]
            choices = map(str, option.choices)
            wanted += [(verb.name, option.names[-1], choice) for choice in choices]
    assert ("eras", "prepare") in wanted and ("help", "verify") in wanted
    assert ("learn", "first-malloc") in wanted and ("words", "leak") in wanted
    assert missing(wanted, tmp_path) == []
    strange = [("eras", "prepares"), ("doctor", "--engine"), ("report", "--by", "colour")]
    assert missing(strange, tmp_path) == strange  # twin


def missing(wanted, folder):
    """Those of these command lines whose last word bash does not offer."""
    ask = """
    while read -ra COMP_WORDS; do
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
        _brkpoint
        for one in "${COMPREPLY[@]}"; do
            [[ $one == "${COMP_WORDS[COMP_CWORD]}" ]] && continue 2
        done
        echo "${COMP_WORDS[@]}"
    done"""
    lines = "".join("brkpoint %s\n" % " ".join(words) for words in wanted)
    command = ["bash", "-c", read("completions/brkpoint.bash") + ask]
    how = {"stdout": subprocess.PIPE, "universal_newlines": True, "check": True}
    done = subprocess.run(command, input=lines, cwd=folder, **how)
    return [tuple(line.split()[1:]) for line in done.stdout.splitlines()]


def test_bash_offers_programs_and_no_words_of_the_shell():
    assert "cat" in complete("brkpoint", "ca") and "caller" not in complete("brkpoint", "ca")
    assert "while" not in complete("brkpoint", "whil")
    assert "cat" in complete("brkpoint", "--engine", "auto", "ca")
    assert "cat" in complete("brkpoint", "witnesses", "ca")
    assert complete("brkpoint", "cat", "--eng") == set()  # behind it are the program's own words
    assert complete("brkpoint", "ech") == {"echo"}  # a word of the shell, and a program as well


def test_bash_offers_nothing_that_is_not_there():
    assert complete("brkpoint", "doctor", "--engine") == set()
    assert complete("brkpoint", "report", "--nonsense") == set()


@pytest.mark.parametrize("shell, file", [("zsh", "_brkpoint"), ("fish", "brkpoint.fish")])
def test_other_shells_can_read_theirs(shell, file):
    if not shutil.which(shell):
        pytest.skip("no %s here" % shell)
    done = subprocess.run([shell, "-n", os.path.join(TOP, "completions", file)])
    assert done.returncode == 0


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_offers_verbs_options_and_choices():
    def offered(line):
        script = "source completions/brkpoint.fish; complete -C '%s'" % line
        done = subprocess.run(["fish", "-c", script], cwd=TOP, check=True, capture_output=True)
        assert done.stderr == b""
        return {row.split("\t")[0] for row in done.stdout.decode().splitlines()}

    assert "report" in offered("brkpoint rep")
    assert offered("brkpoint report --j") == {"--json"}
    assert offered("brkpoint --engine br") >= {"breakpoints"}
    assert offered("brkpoint doctor --eng") == set()
    assert {"prepare", "add-rust"} <= offered("brkpoint eras ")
    assert offered("brkpoint help ver") == {"verify"}
    assert "cat" in offered("brkpoint ca") and "cat" in offered("brkpoint witnesses ca")


def test_every_shell_knows_every_option_of_a_toy():
    made = (
        completion.bash("@OPTIONS@\n@CHOICES@\n", TOY),
        completion.fish(TOY),
        completion.zsh("@VERBS@\n@CASES@\n", TOY),
    )
    for text in made:
        assert "toy" in text and "extra" in text and "slow" in text and "how" in text
    assert "it\\'s" in made[1] and "'\\''" in made[2]


# ---- README's run --------------------------------------------------------------------------------


def test_the_transcript_is_what_a_run_prints_here():
    """Line by line where libc is the same; elsewhere its first line and its sentence."""
    text = transcript.stored(read("README.md"))
    stored, fresh = transcript.masked(text), transcript.masked(transcript.take(TOP))
    if libc_of(text) == os.confstr("CS_GNU_LIBC_VERSION") and symbols_here():
        assert of_the_program(fresh) == of_the_program(stored)
    assert fresh[0] == stored[0]
    assert sentence(fresh) == sentence(stored)


def symbols_here():
    from command import debug_files

    return not debug_files.lacking(debug_files.libc_files())


def libc_of(text):
    found = re.search(r"libc\s+(glibc\s\S+)", text)
    return found and found[1]


def of_the_program(lines):
    """The lines but for the end: what it cost, where and when are another machine's."""
    return lines[: next(i for i, line in enumerate(lines) if line.startswith("cost"))]


def sentence(lines):
    """The verdict: from its first word to its end."""
    return re.search(r"N calls? by the loader.*?yours\.", " ".join(lines))[0]


def test_masking_keeps_words_and_loses_numbers():
    one, two = (transcript.masked("malloc %s  loader" % n)[0] for n in ("12", "3.4"))
    assert one == two == "malloc N loader"
    assert transcript.masked("malloc 1 user") != transcript.masked("malloc 1 loader")


def test_what_readme_says_first_is_what_its_run_says():
    first, run = (part.split("```")[0] for part in read("README.md").split("```text\n")[1:3])
    assert first and first in run


# ---- the samples in docs/report.md ---------------------------------------------------------------


def test_samples_stand_between_their_marks():
    text = read("docs/report.md")
    samples = {name: "  a line of %s\n" % name for name in ("processes", "live", "tree")}
    once = report_samples.put(text, samples)
    assert once != text and report_samples.put(once, samples) == once
    assert text.count("```") == once.count("```")
    for name, sample in samples.items():
        assert (report_samples.BEGIN % name) + "```\n" + sample + "```\n" in once


def test_a_part_of_a_report_is_found_by_its_title():
    report = "a\n\n3 processes  alike\n  x\n\nSites\n"
    assert report_samples._part(report, "processes  alike") == "3 processes  alike\n  x\n"
    with pytest.raises(transcript.Failed, match="no 'Tree"):
        report_samples._part(report, "Tree of calls")
