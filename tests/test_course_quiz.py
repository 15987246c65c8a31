"""The quiz: one seed, one variant; its answers are those of a simulation and of the run."""

import random
import re
import shutil

import pytest

from course import quiz, statements, workshop

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return workshop.Workshop(str(tmp_path_factory.mktemp("quiz")), kept={})


def live_at_the_end(told):
    """Sizes by the statement whose block it is, as the program's text says."""
    live = {}
    for at, one in enumerate(told, 1):
        sizes = [int(number) for number in re.findall(r"(\d+)", one.word)]
        if one.kind == "m":
            live[at] = sizes[0]
        elif one.kind == "r":
            live[one.of] = sizes[1]
        elif one.kind == "f":
            del live[one.of]
    return live


def test_the_answers_are_those_of_the_statements(shop):
    told = statements.made(random.Random(7))
    made = quiz.of_seed(7, shop)
    answers = {asked.text: asked.answer for asked in made.questions}
    assert len(made.questions) == len(answers) == quiz.MANY
    live = live_at_the_end(told)
    known = {
        "How many bytes of its own has the program not freed at the end?": sum(live.values()),
        "How many blocks of its own has it not freed at the end?": len(live),
        "How many calls to the allocator does this program make in main?": sum(
            one.kind != "t" for one in told
        ),
    }
    found = {text: answer for text, answer in answers.items() if text in known}
    assert found and found == {text: "{:,}".format(known[text]) for text in found}
    for asked in made.questions:
        assert not asked.choices or asked.answer in asked.choices


def test_a_seed_is_a_variant(shop):
    assert quiz.of_seed(7, shop) == quiz.of_seed(7, shop)
    assert quiz.of_seed(7, shop).program != quiz.of_seed(8, shop).program


def test_every_program_is_one_that_can_run():
    """No block is used that is gone: the simulation would not find it."""
    for seed in range(200):
        told = statements.made(random.Random(seed))
        live_at_the_end(told)
        assert len(told) == 12


def test_without_a_run_it_asks_about_stored_ones(shop, tmp_path):
    kept = quiz.of_seed(7, shop)
    shutil.copy(shop.folder + "/quiz.brkpoint", tmp_path / "a.brkpoint")
    idle = workshop.Workshop(str(tmp_path), only_stored=True)
    made = quiz.of_seed(7, idle, [str(tmp_path / "a.brkpoint")])
    assert made.program == "" and made.why and made.questions != kept.questions
    assert len(made.questions) == quiz.MANY
    assert all("In the run of a.brkpoint" in asked.text for asked in made.questions)
    assert quiz.of_seed(7, idle).questions == []


def test_no_event_is_asked_about_twice_and_no_question_tells_its_answer(shop):
    """Of a run that is the only one there: its events are few."""
    quiz.of_seed(7, shop)
    path = shop.folder + "/quiz.brkpoint"
    kinds = set()
    for seed in range(30):
        made = quiz._about_others(random.Random(seed), [path], 4)
        texts = [re.sub(r"event \d+ ", "", one.text) for one in made]
        events = [text.split(". ")[0] for text in texts]
        assert len(set(events)) == len(events) == 4, texts
        assert len({text.split(". ")[-1] for text in texts}) > 2  # of several kinds
        for one in made:
            assert one.answer in one.choices and len(set(one.choices)) > 1
            kinds.add(one.text.split(". ")[-1])
    assert len(kinds) == 4


def test_a_size_is_no_choice_where_the_question_tells_it():
    assert quiz._wordy("main's own, 240016 to 244016 bytes") == quiz._wordy("main's own")
    assert quiz._wordy("link_map of libc.so.6") != quiz._wordy("link_map of the program")
