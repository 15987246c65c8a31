"""Classes of values are what dataclasses would make of them, as far as anybody here asks."""

import pytest

from alloctrace.plain import fresh, frozen, plain, replace


@plain
class Row:
    name: str
    size: int = 3
    seen: list = fresh(list)


@frozen
class Key:
    name: str
    places: tuple = ()


def test_values_are_taken_by_place_and_by_name():
    row = Row("a", seen=[5])
    assert (row.name, row.size, row.seen) == ("a", 3, [5])
    assert repr(row) == "Row(name='a', size=3, seen=[5])"


def test_a_fresh_default_is_of_one_alone():
    one, other = Row("a"), Row("a")
    one.seen.append(7)
    assert other.seen == [] and one != other


def test_equal_values_are_equal_and_other_classes_are_not():
    assert Row("a", 5) == Row("a", 5) != Row("a", 7)
    assert Row("a") != Key("a")


def test_a_frozen_one_can_be_in_a_set_and_a_plain_one_cannot():
    assert len({Key("a", (1,)), Key("a", (1,)), Key("b")}) == 2
    with pytest.raises(TypeError):
        hash(Row("a"))


def test_replacing_leaves_the_first_as_it_was():
    row = Row("a", 5)
    assert replace(row, size=7) == Row("a", 7) and row.size == 5


@pytest.mark.parametrize("words, named", [((), {}), (("a", 1, [], 2), {}), (("a",), {"sise": 1})])
def test_what_is_missing_or_too_much_is_refused(words, named):
    with pytest.raises(TypeError):
        Row(*words, **named)
