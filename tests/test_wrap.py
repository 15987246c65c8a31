"""Lines are wrapped as textwrap would, where it is not asked."""

import io
import random
import textwrap

import pytest

from reports import ink

ALPHABETS = {"words": "abcde fgh-ij ", "blanks": "abc  \t", "long": "abcdefghij,. "}


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("indent", ["", "    "])
def test_lines_are_as_those_of_textwrap(alphabet, indent):
    chance, look = random.Random(alphabet), ink.of_stream(io.StringIO())
    wrapped = set()
    for _ in range(500):
        text = "".join(chance.choices(ALPHABETS[alphabet], k=chance.randrange(90)))
        width = chance.randrange(len(indent) + 3, 40)
        found = look.wrap(text, width, indent)
        assert found == textwrap.wrap(
            text, width, subsequent_indent=indent, break_on_hyphens=False
        ), (text, width)
        wrapped.add(len(found) > 1)
    assert wrapped == {False, True}
