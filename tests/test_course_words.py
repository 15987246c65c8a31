"""The words: each of the page's is here, each has a meaning, and each example its values."""

import subprocess

import pytest

from course import measured, words, workshop
from terminals import COMMAND
from reports.page import glossary
from start.errors import UserError


def test_every_word_of_the_page_is_explained_and_none_twice():
    known, _ = words.read()
    assert {name for name, _ in glossary.rows()} <= set(known)
    assert all(word.meaning for word in known.values())


def test_a_word_is_found_as_people_type_it():
    known, _ = words.read()
    assert words.find("Page  Faults", known).name == "page fault"
    with pytest.raises(UserError, match="there is heap"):
        words.find("heep", known)
    with pytest.raises(UserError, match="there is mprotect"):
        words.find("mprotcet", known)


LABELS = """call who for where load init main exit loader runtime user unknown directly via
brk mmap munmap mremap mprotect madvise malloc calloc realloc free site live left temporary peak
cost recorder breakpoints trace faults minor""".split()
LABELS += ["not seen", "at peak", "reached the kernel"]


@pytest.mark.parametrize("name", LABELS)
def test_what_a_report_says_is_found_and_the_meaning_speaks_of_it(name):
    known, _ = words.read()
    found = words.find(name, known)
    assert name == found.name or name in found.also
    listed = [other for word in known.values() for other in (word.name, *word.also)]
    assert len(listed) == len(set(listed))


def test_twin_a_word_that_no_report_says_is_not_found():
    with pytest.raises(UserError, match="no word here is spam"):
        words.find("spam", words.read()[0])


def test_every_example_is_measured(tmp_path):
    known, lesson = words.read()
    shop = workshop.Workshop(str(tmp_path), kept={})
    told = [words.example(word, lesson, shop) for word in known.values()]
    assert [text for text in told if "There is no example" in text or "unknown" in text] == []
    plain = {word.name for word, text in zip(known.values(), told) if not text}
    assert plain == {"arena", "bin", "not seen", "owner"}  # of which that run has nothing to count
    assert all(text.startswith("Here: ") for text in told if text)
    none = [text for text in told if text.startswith(("Here: no ", "Here: 0 "))]
    assert none == ["Here: no calls of it, in a program in C."]  # a runtime's


def test_without_a_run_it_says_why_there_is_no_example(tmp_path):
    known, lesson = words.read()
    shop = workshop.Workshop(str(tmp_path), only_stored=True)
    told = words.example(known["heap"], lesson, shop)
    assert told == "(There is no example: stored traces were asked for.)"
    with pytest.raises(measured.Unmeasured):
        shop.run(lesson, lesson.first)


def test_the_command_lists_them():
    done = subprocess.run([*COMMAND, "words"], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0 and "page fault" in done.stdout
    done = subprocess.run([*COMMAND, "words", "nothing"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "no word here is nothing" in done.stderr
