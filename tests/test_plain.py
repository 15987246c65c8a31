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


def some_row():
    """A class of which there is no value yet."""

    @plain
    class Some:
        name: str
        size: int = 3
        seen: list = fresh(list)

    return Some


GIVEN = [
    (("a",), {}),
    (("a", 5), {}),
    ((), {"size": 5, "name": "a"}),
    (("a",), {"seen": [1]}),
    (("a", 7, [1]), {}),
]
REFUSED = [((), {}), (("a", 1, [], 2), {}), (("a",), {"sise": 1}), (("a",), {"name": "b"})]


@pytest.mark.parametrize("words, named", GIVEN)
def test_the_first_values_are_as_the_later_ones(words, named):
    cls = some_row()
    begun = cls.__init__
    made = [list(vars(cls(*words, **named)).items()) for _ in range(99)]
    assert made == [made[0]] * 99 and cls.__init__ is not begun


@pytest.mark.parametrize("words, named", REFUSED)
def test_twin_what_does_not_fit_is_refused_from_the_first_on(words, named):
    cls = some_row()
    for _ in range(2):
        with pytest.raises(TypeError):
            cls(*words, **named)
    assert cls("a") == cls("a", 3, [])
