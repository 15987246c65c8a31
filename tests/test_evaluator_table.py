"""What mexe accepts and refuses, and where; what its functions promise."""

import ctypes
import math
import random

import pytest

from evaluator_library import STATUSES, bits, evaluate, evaluate_in, load

ACCEPTED = [
    (b"2 + 3", 5.0),
    (b"1", 1.0),
    (b"007", 7.0),
    (b"00.50", 0.5),
    (b"3.25", 3.25),
    (b"2 + 3 * 4", 14.0),
    (b"2 * 3 + 4", 10.0),
    (b"(2 + 3) * 4", 20.0),
    (b"10 - 4 - 3", 3.0),
    (b"100 / 10 / 5", 2.0),
    (b"100 / 10 * 5", 50.0),
    (b"2 - -3", 5.0),
    (b"2*-3", -6.0),
    (b"2/-4", -0.5),
    (b"-2-2", -4.0),
    (b"- 2", -2.0),
    (b"-(1)", -1.0),
    (b"-(-(1))", 1.0),
    (b"2 - (-3)", 5.0),
    (b"1-(2-(3-(4-5)))", 3.0),
    (b"((((((((1))))))))", 1.0),
    (b"\t\r\n 1\t\r\n +\t\r\n 2\t\r\n ", 3.0),
    (b"(\n-\n1\n)", -1.0),
    (b"1/0", math.inf),
    (b"-1/0", -math.inf),
    (b"1/-0", -math.inf),
    (b"-0", -0.0),
    (b"0*-1", -0.0),
    (b"0-0", 0.0),
    (b"-0-0", -0.0),
    (b"-0+0", 0.0),
    (b"(-0)", -0.0),
    (b"0+(-0)", 0.0),
    (b"-0+(-0)", -0.0),
    (b"1/(0*-1)", -math.inf),
    (b"0.1+0.2", 0.30000000000000004),
    (b"0.1+0.2-0.3", 5.551115123125783e-17),
    (b"1-0.9", 0.09999999999999998),
    (b"9007199254740993", 9007199254740992.0),
    (b"9007199254740993.0000000000000000000000000001", 9007199254740994.0),
    (b"9" * 400, math.inf),
    (b"0." + b"0" * 400 + b"1", 0.0),
    (b"0." + b"0" * 323 + b"5", 5e-324),
    (b"6.5*7.8*2.3 + (3.5*3+7/2)*3 -(5*4/(2-3))*4", 6.5 * 7.8 * 2.3 + 14 * 3 + 20 * 4),
    (b"3*(0.1*3)", 3 * (0.1 * 3)),
    (b"3*0.1*3", 3 * 0.1 * 3),
]

REFUSED = [
    (b"", "EMPTY", 0),
    (b" ", "EMPTY", 1),
    (b" \t\r\n" * 100, "EMPTY", 400),
    (b"1 +", "WANTS_OPERAND", 3),
    (b"1 + ", "WANTS_OPERAND", 4),
    (b"-", "WANTS_OPERAND", 1),
    (b"--2", "WANTS_OPERAND", 1),
    (b"2 - - -3", "WANTS_OPERAND", 6),
    (b"2---3", "WANTS_OPERAND", 3),
    (b"-(-2)--(-(--2))", "WANTS_OPERAND", 11),
    (b"+1", "WANTS_OPERAND", 0),
    (b"1 + +2", "WANTS_OPERAND", 4),
    (b"1 * / 2", "WANTS_OPERAND", 4),
    (b"*", "WANTS_OPERAND", 0),
    (b".5", "WANTS_OPERAND", 0),
    (b"1+.5", "WANTS_OPERAND", 2),
    (b"()", "WANTS_OPERAND", 1),
    (b"(1+)", "WANTS_OPERAND", 3),
    (b")", "WANTS_OPERAND", 0),
    (b"(", "WANTS_OPERAND", 1),
    (b"(((", "WANTS_OPERAND", 3),
    (b"1 2", "WANTS_OPERATOR", 2),
    (b"1 .5", "WANTS_OPERATOR", 2),
    (b"1.2.3", "WANTS_OPERATOR", 3),
    (b"1234567.1.3", "WANTS_OPERATOR", 9),
    (b"123456789012.12345.3", "WANTS_OPERATOR", 18),
    (b"2(3)", "WANTS_OPERATOR", 1),
    (b"(1)(2)", "WANTS_OPERATOR", 3),
    (b"(1)2", "WANTS_OPERATOR", 3),
    (b"1.", "WANTS_DIGIT", 2),
    (b"1. 5", "WANTS_DIGIT", 2),
    (b"1.+2", "WANTS_DIGIT", 2),
    (b"1..2", "WANTS_DIGIT", 2),
    (b"1.x", "WANTS_DIGIT", 2),
    (b"1234567.", "WANTS_DIGIT", 8),
    (b"12345678.", "WANTS_DIGIT", 9),
    (b"123456789012345.", "WANTS_DIGIT", 16),
    (b"1234567890123456.*2", "WANTS_DIGIT", 17),
    (b"1e3", "BAD_BYTE", 1),
    (b"0x1", "BAD_BYTE", 1),
    (b"1,5", "BAD_BYTE", 1),
    (b"inf", "BAD_BYTE", 0),
    (b"2^3", "BAD_BYTE", 1),
    (b"1 + a", "BAD_BYTE", 4),
    (b"\x00", "BAD_BYTE", 0),
    (b"1\x00", "BAD_BYTE", 1),
    (b"1+\x00", "BAD_BYTE", 2),
    (b"1\x00+2", "BAD_BYTE", 1),
    (b"(1\x00)", "BAD_BYTE", 2),
    (b"1\x0b+2", "BAD_BYTE", 1),
    (b"1\x0c+2", "BAD_BYTE", 1),
    (b"1\xa0+2", "BAD_BYTE", 1),
    ("1 − 2".encode(), "BAD_BYTE", 2),
    ("１".encode(), "BAD_BYTE", 0),
    (b"1\xff", "BAD_BYTE", 1),
    (b"1)", "NOT_OPENED", 1),
    (b"(1))", "NOT_OPENED", 3),
    (b"((1)+(2)))*3", "NOT_OPENED", 9),
    (b"(1", "NOT_CLOSED", 2),
    (b"((1) ", "NOT_CLOSED", 5),
    (b"1+2*-(3", "NOT_CLOSED", 7),
]


@pytest.fixture(scope="module")
def library():
    return load()


def placed(text):
    """The text by itself, and where blocks and words of the reader begin and end elsewhere."""
    for size in (0, 1, 3, 7, 8, 15, 16, 31, 57, 60, 62, 63, 64, 65, 120, 127, 128):
        yield size, b" " * size + text, b" " * size + text + b" " * 70


@pytest.mark.parametrize("text, value", ACCEPTED)
def test_accepted(library, text, value):
    for _, early, between in placed(text):
        for whole in (early, between):
            status, position, result = evaluate(library, whole)
            assert (status, position) == ("OK", len(whole))
            assert bits(result) == bits(value)


@pytest.mark.parametrize("text, status, position", REFUSED)
def test_refused(library, text, status, position):
    assert evaluate(library, text) == (status, position, None)
    for size, whole, _ in placed(text):
        assert evaluate(library, whole) == (status, size + position, None)
        deeper = b"1+(" * 20 + b"2*(" * size + whole
        if status not in ("EMPTY", "NOT_OPENED"):
            assert evaluate(library, deeper) == (status, len(deeper) - len(text) + position, None)


def test_every_byte_behind_an_operand_and_an_operator(library):
    for byte in range(256):
        text = bytes([byte])
        known = text in b"0123456789+-*/(). \t\r\n"
        status, position, _ = evaluate(library, b"(1)" + text)
        assert (status == "BAD_BYTE") == (not known)
        assert position == (3 if text not in b" \t\r\n+-*/" else 4)
        status, position, _ = evaluate(library, b"1*" + text)
        assert (status == "BAD_BYTE") == (not known)
        assert position == (2 if text not in b" \t\r\n0123456789-(" else 3)


def test_nan_is_always_the_same(library):
    for text in (b"0/0", b"-(0/0)", b"1-0/0", b"0/0*0", b"-0/0", b"(1/0)*0", b"1/0-1/0"):
        status, _, value = evaluate(library, text)
        assert status == "OK" and bits(value) == bytes.fromhex("000000000000f87f")


def by_chance(chance, depth=0):
    """An expression as a list of tokens."""
    number = str(chance.randrange(10 ** chance.randrange(1, 18)))
    if chance.random() < 0.4:
        number += "." + str(chance.randrange(10 ** chance.randrange(1, 18)))
    kind = chance.random()
    if depth > 5 or kind < 0.3:
        return [number]
    if kind < 0.45:
        return ["(", *by_chance(chance, depth + 1), ")"]
    if kind < 0.55:
        return ["-", "(", *by_chance(chance, depth + 1), ")"]
    sign = chance.choice("+-*/")
    return [*by_chance(chance, depth + 1), sign, *by_chance(chance, depth + 1)]


def test_properties(library):
    chance = random.Random(43)
    for _ in range(4000):
        tokens = by_chance(chance)
        text = "".join(tokens).encode()
        status, position, value = evaluate(library, text)
        assert (status, position) == ("OK", len(text))
        spaces = [" " * chance.randrange(3) + chance.choice(["", "\t", "\r\n"]) for _ in tokens]
        spaced = "".join(space + token for space, token in zip(spaces, tokens)).encode()
        for other in (
            spaced,
            b"(" + text + b")",
            b"((\n" + spaced + b" ) )",
            b"-(-(" + text + b"))",
        ):
            assert bits(evaluate(library, other)[2]) == bits(value)
        for other, expected in (
            (b"0-(" + text + b")", 0 - value),
            (b"(" + text + b")*2", value * 2),
            (b"(" + text + b")/3", value / 3),
            (b"7+(" + text + b")", 7 + value),
        ):
            assert math.isnan(expected) or bits(evaluate(library, other)[2]) == bits(expected)
        assert evaluate(library, text + b"(")[:2] == ("WANTS_OPERATOR", len(text))
        assert evaluate(library, text + b")")[:2] == ("NOT_OPENED", len(text))
        assert evaluate(library, text + b"+")[:2] == ("WANTS_OPERAND", len(text) + 1)
        assert evaluate(library, b"(" + text)[:2] == ("NOT_CLOSED", len(text) + 1)


def test_a_property_that_does_not_hold_is_seen(library):
    """The twin: with a minus sign before it, or without its parentheses, a value is another."""
    assert evaluate(library, b"2*(3+4)")[2] != evaluate(library, b"2*3+4")[2]
    assert bits(evaluate(library, b"-(0)")[2]) != bits(evaluate(library, b"0")[2])


def test_scratch_memory(library):
    text = b"1+2*(3-4*(5/(6)))"
    assert evaluate_in(library, text, 72)[0] == evaluate_in(library, text, 1000)[0] == "OK"
    assert evaluate_in(library, text, 71) == ("TOO_DEEP", text.rindex(b"("), None)
    assert evaluate_in(library, text, 24) == ("TOO_DEEP", text.index(b"(5"), None)
    assert evaluate_in(library, text, 23) == ("TOO_DEEP", text.index(b"(3"), None)
    for flat in (b"1+2*3/4-5", b"(" * 500 + b"1" + b")" * 500):
        assert evaluate_in(library, flat, 0)[0] == "OK"
    assert evaluate_in(library, b"-(1)", 0) == ("TOO_DEEP", 1, None)


def test_no_error_wanted_and_no_text(library):
    value = ctypes.c_double(5)
    assert library.mexe_eval(b"1+1", ctypes.c_size_t(3), ctypes.byref(value), None) == 0
    assert value.value == 2
    assert library.mexe_eval(None, ctypes.c_size_t(0), ctypes.byref(value), None) == 1
    scratch = None, ctypes.c_size_t(0)
    size = ctypes.c_size_t(2)
    assert library.mexe_eval_in(b"1+", size, ctypes.byref(value), None, *scratch) == 2
    assert value.value == 2


def test_sentences(library):
    sentences = [library.mexe_sentence(status).decode() for status in range(len(STATUSES))]
    assert len(set(sentences)) == len(STATUSES)
    assert all(sentence and sentence[-1] != "." for sentence in sentences)
    assert library.mexe_sentence(len(STATUSES)) == library.mexe_sentence(-1) == b"unknown status"
