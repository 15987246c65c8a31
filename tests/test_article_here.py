"""`brkpoint article`, really run: its figures beside those found by hand, its proofs, its pages.

Also with Debian's own rustc beside the one in PATH, where there are two.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest

import target_programs
from alloctrace.trace import trace
from article.words import FAILS, HOLDS, OPEN, SAME, SKIPPED
from command import article as command

ROOT = target_programs.ROOT
BY_HAND = os.path.join(ROOT, "tests", "data", "article-environments.ini")
# Verdicts that depend on no version, as far as libc is glibc.
VERDICTS = {1: FAILS, 4: FAILS, 6: SAME, 9: HOLDS, 14: HOLDS, 15: HOLDS, 16: HOLDS, 17: HOLDS}
VERDICTS.update({18: HOLDS, 19: HOLDS, 20: HOLDS, 23: HOLDS, 25: FAILS, 26: FAILS, 27: FAILS})
VERDICTS.update({29: SAME, 31: HOLDS, 32: SAME, 33: SAME, 34: SAME, 35: SAME, 36: HOLDS})
LATER = {37}  # waits for programs that may not be there
DEBIANS = "/usr/bin/rustc"

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("gcc", "nasm", "rustc", "strace", "ltrace", "file", "objdump"))),
    reason="a compiler or a tool of the article's is missing",
)


def relived(folder, **environment):
    """(record, page) of a run of its own."""
    done = subprocess.run(
        [os.path.join(ROOT, "brkpoint"), "article", "-o", str(folder)],
        cwd=ROOT,
        env=dict(os.environ, **environment),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((folder / "article.json").read_text())
    return record, (folder / "article.md").read_text()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("article")
    return (*relived(folder), folder)


def rows(record):
    return {row["claim"]: row for row in record["rows"]}


def by_hand(record):
    """{claim: how its value begins} of the sections whose versions are those of this run."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(BY_HAND, encoding="utf-8")
    told = " ; ".join(record["versions"].values()) + " ; "
    return {
        int(claim): words
        for name in parser.sections()
        if all(_is_there(part, told) for part in name.split(", "))
        for claim, words in parser[name].items()
    }


def _is_there(part, told):
    name, version = part.split()
    return re.search(r"\b%s\b[^;]*\b%s\b" % (name, re.escape(version)), told)


def unequal(record):
    """[(claim, what was found by hand, what is here)] where they differ."""
    found = rows(record)
    pairs = [(claim, words, found[claim]["value_here"]) for claim, words in by_hand(record).items()]
    return [pair for pair in pairs if not _equal(*pair[1:])]


def _equal(words, value):
    return words[1:].strip() in value if words.startswith("…") else value.startswith(words)


# ---- the figures ---------------------------------------------------------------------------------


def test_nothing_is_left_out(here):
    record, _, _ = here
    assert record["skipped"] == {} and set(record["programs"]) == set(command.PROGRAMS)
    left = [n for n, row in rows(record).items() if row["verdict"] in (OPEN, SKIPPED)]
    assert set(left) <= LATER
    assert all(row["value_here"] for n, row in rows(record).items() if n not in left)


def test_the_figures_found_by_hand(here):
    record, _, _ = here
    if not by_hand(record):
        pytest.skip("other versions than those that were redone by hand")
    assert unequal(record) == []


def test_twin_another_figure_is_noticed(here):
    record = json.loads(json.dumps(here[0]))
    if not by_hand(record):
        pytest.skip("other versions than those that were redone by hand")
    rows(record)[3]["value_here"] = "1 brk, 9 mmap"
    assert [claim for claim, _, _ in unequal(record)] == [3]


def test_the_verdicts(here):
    found = rows(here[0])
    assert {n: found[n]["verdict"] for n in VERDICTS} == VERDICTS


def test_with_the_distributions_rustc(here, tmp_path):
    real = shutil.which("rustc")
    if not os.path.exists(DEBIANS) or os.path.samefile(real, DEBIANS):
        pytest.skip("there is one rustc only")
    targets = os.path.join(ROOT, "build", "targets-debian")
    record, _ = relived(tmp_path, RUSTC=DEBIANS, TARGETS_OUT=os.path.relpath(targets, ROOT))
    assert record["versions"]["compiler (Rust)"] != here[0]["versions"]["compiler (Rust)"]
    assert unequal(record) == []
    assert {n: rows(record)[n]["verdict"] for n in VERDICTS} == VERDICTS


# ---- the witnesses -------------------------------------------------------------------------------


def test_ltrace_and_strace_have_really_run(here):
    record, _, _ = here
    assert [row["claim"] for row in record["rows"] if row["inferred"]] == []
    for name, facts in record["programs"].items():
        found = facts["typed"]["strace"]
        counts = {n: facts["memory_syscalls"].get(n, 0) for n in ("brk", "mmap")}
        assert (found["state"], found.get("counts")) == ("ok", counts), name


def test_every_page_of_the_witnesses_is_sound_and_linked(here):
    record, page, folder = here
    links = re.findall(r"\]\((article/[^)]+\.md)\)", page)
    pages = {n: f["witnesses"] for n, f in record["programs"].items() if f["witnesses"]}
    assert sorted(links) == sorted("article/%s.md" % name for name in pages)
    for name, found in pages.items():
        assert found["sound"], found["verdict"]
        assert "four witnesses" in (folder / "article" / (name + ".md")).read_text()


def test_every_program_has_a_page_that_explains_it(here):
    record, page, folder = here
    for name, facts in record["programs"].items():
        assert "](article/%s)" % facts["explained"] in page, name
        with open(folder / "article" / facts["explained"], encoding="utf-8") as file:
            assert file.read(15) == "<!DOCTYPE html>"


# ---- the proofs ----------------------------------------------------------------------------------


def test_every_proof_is_in_the_trace(here):
    record, _, folder = here
    for row in record["rows"]:
        for proof in row["proof"]:
            path = folder / "article" / (proof["program"] + ".brkpoint")
            with trace.open(str(path)) as recorded:
                assert set(proof["seqs"]) <= {event.seq for event in recorded.events()}


def test_the_proof_of_a_count_has_as_many_events(here):
    record, _, folder = here
    for claim, name in ((2, "empty"), (3, "success")):
        row = rows(record)[claim]
        numbers = sum(map(int, re.findall(r"(\d+) (?:brk|mmap)", row["value_here"])))
        with trace.open(str(folder / "article" / (name + ".brkpoint"))) as recorded:
            events = {e.seq: e.name for e in recorded.events()}
        names = [events[seq] for seq in row["proof"][0]["seqs"]]
        assert len(names) == numbers and set(names) == {"brk", "mmap"}


def test_the_page_s_command_shows_the_proof(here):
    _, page, _ = here
    line = re.search(r"proof:\*\* `(./brkpoint events \S+success\.brkpoint --seq \S+)`", page)[1]
    done = subprocess.run(shlex.split(line), cwd=ROOT, capture_output=True, text=True)
    shown = re.findall(r"^ +(\d+) ", done.stdout, re.M)
    proof = next(p for p in rows(here[0])[3]["proof"])
    assert list(map(int, shown)) == proof["seqs"] and done.returncode == 0


def test_no_step_has_a_value_without_evidence(here):
    """Each step that was done names a command, and proof, or tools, or sections of a file."""
    for row in here[0]["rows"]:
        if row["verdict"] not in (OPEN, SKIPPED):
            assert row["command"] and row["cause"], row["claim"]


# ---- the page ------------------------------------------------------------------------------------


def test_the_page_is_a_story_in_the_article_s_order(here):
    _, page, _ = here
    assert [int(n) for n in re.findall(r"^### Step (\d+): ", page, re.M)] == list(range(1, 38))
    assert page.index("yds12/mexe") < page.index("### Step 1:")
    assert page.index("### Step 37:") < page.index("What did your code allocate?")
