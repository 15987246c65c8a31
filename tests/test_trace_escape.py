"""What the target says must not reach the terminal as a command."""

import os

from alloctrace.escape import visible


def test_ordinary_text_stays_as_it_is():
    for text in ("", "a b", "größe ✓ 変", "C:\\x", "$(reboot) 'q' \"q\""):
        assert visible(text) == text


def test_everything_that_steers_a_terminal_is_written_out():
    assert visible("\x1b[31m\r\n\t\x00\x7f\x9b") == "\\x1b[31m\\x0d\\x0a\\x09\\x00\\x7f\\x9b"
    assert visible(os.fsdecode(b"a\xffb\x9b")) == "a\\xffb\\x9b"
    assert visible("\u202e\u2028\u200b\U000e0001\ud800") == (
        "\\u202e\\u2028\\u200b\\U000e0001\\ud800"
    )


def test_the_result_can_always_be_printed():
    for code in range(0x110000):
        assert visible(chr(code)).isprintable()
