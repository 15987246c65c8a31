"""Several processes at once, all at the same addresses: what is said of one is never another's."""

import glob
import os
import subprocess

import pytest
import recorder_runs
from recorder_programs import OUT, TOP, built
from recorder_runs import NOT_BUILT, counted, probe, recorded

from alloctrace.model import Border

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)
IMAGES = 301
BEGINNINGS = [
    ("load", "first instruction, in the dynamic loader"),
    ("init", "first initialiser, of libc.so.6"),
    ("main", "entry of main"),
    ("exit", "main returned"),
]


def wrong_images(borders):
    """{image: its phases and how each began}, of those that are not as they should be."""
    images = {}
    for border in borders:
        images.setdefault(border.image, []).append((border.phase, border.how))
    return {image: told for image, told in images.items() if told != BEGINNINGS}


def test_images_at_fixed_addresses(tmp_path):
    """Six at one moment; before, an image in twelve had begun with no initialiser."""
    words = ["setarch", "-R", probe("execs.c"), "abreast", str(IMAGES - 1), "6"]
    done = recorded(tmp_path, words)
    assert (done.status, done.complete, done.history.lost) == (0, True, 0), done
    assert (
        len(
            {
                module.start
                for module in done.history.modules
                if "libc.so" in module.path and module.image
            }
        )
        == 1
    )
    borders = [border for border in done.history.borders if border.image > 0]  # 0: setarch
    assert len({border.image for border in borders}) == IMAGES
    assert wrong_images(borders) == {}
    children = counted(done.history, (1019,), children=True)
    assert children == {("malloc", 1019): IMAGES - 1}


def test_twin_an_image_whose_initialiser_was_missed():
    told = [Border(phase, number, how, image=3) for number, (phase, how) in enumerate(BEGINNINGS)]
    missed = "entry point: no initialiser came before it"
    other = [Border(phase, 9, missed if phase == "init" else how, 4) for phase, how in BEGINNINGS]
    assert list(wrong_images([*told, *other])) == [4]


BOTH = """\
armed: ours load ours load its own load
first initialiser, of program
the first: its own init ours load its own load
first initialiser, of program
the second: its own init its own init its own load
entry point: no initialiser came before it
the one that nobody watched: its own init its own init its own init
"""


def test_slots_of_two_processes():
    done = subprocess.run([built("phases_of_two")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, BOTH), done.stderr


def test_twin_one_list_of_slots_for_all(tmp_path):
    """The fault that there was: what one process waits for, another takes for its own."""
    built("phases_of_two")
    host = os.path.join(TOP, "recorder", "host")
    with open(os.path.join(host, "phases", "phases.c")) as file:
        text = file.read()
    assert text.count("p->armed") > 5
    text = text.replace("p->armed", "armed")
    text = text.replace(
        "#define MAX_ARMED",
        "static struct armed *armed; static size_t armed_count;\n#define MAX_ARMED",
    )
    (tmp_path / "phases.c").write_text(text)
    objects = os.path.join(OUT, "host")
    left_out = ("run/main.c", "say.c", "phases/phases.c")
    names = [os.path.relpath(path, host) for path in glob.glob(host + "/**/*.c", recursive=True)]
    others = [os.path.join(objects, n[:-1] + "o") for n in names if n not in left_out]
    program = str(tmp_path / "one_list")
    test = os.path.join(TOP, "recorder", "tests", "phases_of_two.c")
    sources = [tmp_path / "phases.c", test]
    options = ["-std=gnu11", "-iquote" + host + "/phases", "-I" + host, "-I" + OUT]
    options.append("-I" + os.path.join(TOP, "recorder"))
    libraries = ["-lZydis", "-lisal", "-lz", "-ldl"]
    subprocess.run(["gcc", *options, "-o", program, *sources, *others, *libraries], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.stdout.startswith("armed: ours load its own load"), done.stdout


def test_rules_hold_in_runs(tmp_path):
    """Of a recorder that ends where one is broken (recorder/must.h)."""
    environment = {"TESTED_RECORDER": built("brkpoint-recorder")}
    shell = ["sh", "-c", "for i in 1 2 3; do ls / | sort | wc -l; done"]
    runs = [probe("execs.c"), "abreast", "12", "4"], [probe("family.c"), "ends"], shell
    for number, words in enumerate(runs):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = recorded(folder, words, environment=environment)
        assert (done.status, done.complete, done.history.lost) == (0, True, 0), done.err


@pytest.mark.parametrize(
    "broken, rule",
    [
        ("table", "a key of a table leads to something"),
        ("block", "a live block is found by its own address"),
        ("live", "only what was live is taken from what is live"),
        ("none", None),
    ],
)
def test_a_broken_rule_is_named(broken, rule):
    words = [built("rules_broken"), broken]
    done = subprocess.run(words, capture_output=True, text=True)
    named = "broken rule: %s (recorder/host/" % rule
    assert (done.returncode, done.stderr[: len(named)]) == ((-6, named) if rule else (0, "")), done
