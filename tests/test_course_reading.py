"""Lessons as text: what is understood, and each mistake with its place. No process is started."""

import os
from types import SimpleNamespace

import pytest

from course import expressions, library, places, questions, reading
from course.items import LessonError

HEAD = """# Title
idea: One.
program first: first.c
measure size: sql select 1
"""
REST = """
## predict
question: How many?
answer: calls, within 10 %
mistake 0 "none": No.
## run
show: report
## explain
Some {calls: call}.
## change large: more
replace: a
with: b
expect: after.calls > calls
right: More.
## check
Done.
"""


def read(text):
    return reading.read(text, common=library.common())


def test_a_lesson_is_read():
    lesson = read(HEAD + REST)
    assert (lesson.title, lesson.idea, lesson.first.source) == ("Title", "One.", "first.c")
    assert [section.step for section in lesson.sections] == [
        *("predict", "run", "explain", "change", "check")
    ]
    assert list(lesson.runs) == ["first", "large"]
    assert lesson.changes[0].program.replaced == [("a", "b")]


def test_a_change_may_say_after_its_first_text_what_it_changes():
    on = "program other: other.c\n## predict"
    text = (HEAD + REST).replace("## predict", on).replace("with: b", "on: other\nwith: b")
    (change,) = read(text).changes
    assert (change.of, change.program.source) == ("other", "other.c")
    assert change.program.replaced == [("a", "b")]


def test_what_is_said_of_the_right_answer_is_of_that_answer():
    text = (
        "question: Who?\nchoice a: this\nchoice b: that\nanswer: a if %s > 1\nanswer: b if 1 > 0\n"
    )
    text += "right: It is this.\nright b: It is that."
    for number, letter, said in ((2, "a", "It is this."), (0, "b", "It is that.")):
        lesson = read(HEAD + REST.replace("Done.", text % number))
        values = SimpleNamespace(holds=lambda what: what.value(None))
        asked = questions.Asked(lesson.sections[-1].items[0], values, str)
        assert asked.judge(letter).said == said and asked.letter == letter


def test_every_lesson_of_the_course_can_be_read():
    lessons = library.lessons()
    assert len(lessons) >= 3
    assert len({lesson.number for lesson in lessons}) == len(lessons)
    for lesson in lessons:
        for program in lesson.runs.values():
            assert os.path.exists(os.path.join(library.HERE, "targets", program.source))


@pytest.mark.parametrize(
    "old, new, line, told",
    [
        ("{calls: call}", "{cals}", 13, "nothing is measured as cals"),
        ("{calls: call}", "{after.calls}", 13, "no program is called after"),
        ("{calls: call}", "{calls +}", 13, "no expression"),
        ("{calls: call}", "{open('x')}", 13, "unknown function"),
        ("show: report", "show: everything", 11, "unknown everything"),
        ("show: report", "show after: report", 11, "no program is called after"),
        ("question: How many?\n", "", 7, "answer without question"),
        ("answer: calls, within 10 %\n", "", 7, "no answer"),
        ("## run\nshow: report\n", "", 19, "no run"),
        ("## explain", "## explains", 12, "a heading"),
        ("with: b\n", "", 14, "replace without with"),
        ("expect: after.calls > calls\n", "", 14, "expected: expect:"),
        ("Done.", "done: yes", 20, "unknown word done"),
        ("Done.", "| | a | |\n| b | 1 | 2 |", 20, "a column without a head"),
        ("Done.", "right a: So.", 20, "right without question"),
        ("mistake 0", "right a: So.\nmistake 0", 9, "right and the letter of a choice"),
        ('mistake 0 "none"', "mistake 0", 9, "expected: mistake WHAT"),
        ("program first: first.c", "program first: ../first.c", 3, "a file of course/targets"),
        ("program first: first.c", "program first: first.c ; quick", 3, "quick; expected"),
        ("sql select 1", "main nobody calls", 4, "unknown word nobody"),
        ("measure size: ", "measure Size: ", 4, "expected: measure NAME"),
    ],
)
def test_each_mistake_has_its_place(old, new, line, told):
    text = HEAD + REST
    assert text.count(old) >= 1
    with pytest.raises(LessonError) as error:
        read(text.replace(old, new, 1))
    assert told in str(error.value)
    assert error.value.line == line, str(error.value)


@pytest.mark.parametrize(
    "text, value",
    [
        ("19", 19),
        ("about 1,024 calls", 1024),
        ("2 KiB", 2048),
        ("1.5 MiB", 1572864),
        ("none", 0),
        ("three or so", 3),
        ("", None),
        ("who knows", None),
    ],
)
def test_numbers_as_people_write_them(text, value):
    assert questions.number(text) == value


@pytest.mark.parametrize(
    "text, value",
    [
        ("2 * a + 1", 7),
        ("a == 3 and b > a", True),
        ("max(a, b)", 4),
        ("step(c)", 16),
        ("not -a", False),
        ("4 KiB", 4096),
    ],
)
def test_small_sums(text, value):
    known = {"a": 3, "b": 4, "c": [80, 112, 32]}
    assert expressions.Expression(text).value(known.get) == value


@pytest.mark.parametrize(
    "text",
    ["", "a +", "__import__('os')", "a.b.c", "[x for x in a]", "lambda: 1", "a ** 9", "~a", "a[0]"],
)
def test_nothing_else_is_understood(text):
    with pytest.raises(expressions.ExpressionError):
        expressions.Expression(text)


def test_places_are_filled_and_code_is_none():
    values = {"n": 1, "m": 19, "size": 2048, "many": ["a", "b"]}.get
    text = "int main(void) { return 0; } {n: call}, {m: call}, {size: size}, {many}, {gone}"
    filled = places.fill(text, values)
    assert filled == "int main(void) { return 0; } 1 call, 19 calls, 2 KiB, a and b, unknown"
