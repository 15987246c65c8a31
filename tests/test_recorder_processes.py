"""Several processes at once, all at the same addresses: what is said of one is never another's."""

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
    done = subprocess.run([built("borders_of_two")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, BOTH), done.stderr


def test_twin_one_list_of_slots_for_all(tmp_path):
    """The fault that there was: what one process waits for, another takes for its own."""
    built("borders_of_two")
    host = os.path.join(TOP, "recorder", "host")
    with open(os.path.join(host, "borders.c")) as file:
        text = file.read()
    assert text.count("p->armed") > 5
    text = text.replace("p->armed", "armed")
    text = text.replace(
        "#define MAX_ARMED",
        "static struct armed *armed; static size_t armed_count;\n#define MAX_ARMED",
    )
    (tmp_path / "borders.c").write_text(text)
    objects = os.path.join(OUT, "host")
    left_out = ("main.c", "borders.c")
    names = [name for name in os.listdir(host) if name.endswith(".c") and name not in left_out]
    others = [os.path.join(objects, name[:-1] + "o") for name in names]
    program = str(tmp_path / "one_list")
    test = os.path.join(TOP, "recorder", "tests", "borders_of_two.c")
    sources = [tmp_path / "borders.c", test]
    options = ["-std=gnu11", "-iquote" + host, "-I" + os.path.join(TOP, "recorder"), "-I" + OUT]
    libraries = ["-lZydis", "-lz", "-ldl"]
    subprocess.run(["gcc", *options, "-o", program, *sources, *others, *libraries], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.stdout.startswith("armed: ours load its own load"), done.stdout
