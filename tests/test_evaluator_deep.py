"""Texts of many megabytes: what they cost in memory and in stack."""

import resource
import signal

import pytest

from evaluator_library import STATUSES, make, run

MEGABYTE = 1000000
STACK = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def programs():
    make("evaluator-tests")


def small_stack():
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, STACK))


def deep(kind, size, *more):
    """(status, position, value, peak in MiB), with a machine stack of 1 MiB."""
    done = run("deep_test", kind, size, *more, preexec_fn=small_stack)
    assert done.returncode == 0, done
    status, position, value, peak = done.stdout.split()
    assert int(peak) > 0
    return STATUSES[int(status)], int(position), float(value), int(peak) / 1024


def test_ten_megabytes_of_nesting():
    size = 10 * MEGABYTE
    assert deep("unclosed", size)[:3] == ("WANTS_OPERAND", size, 0)
    assert deep("closed", size)[:3] == ("OK", size - 1, 1)
    assert deep("unclosed", size)[3] < 100 and deep("closed", size)[3] < 100
    assert deep("spaced", size)[:3] == ("OK", size - 3, 1)
    assert deep("sums", size)[:3] == ("OK", size - 3, size // 4)
    assert deep("minuses", size)[:3] == ("OK", size, -1)
    assert deep("products", size)[0] == "OK"


def test_memory_is_for_what_is_pending():
    """24 bytes for 4 of the text, and what is a program anyway."""
    levels = 10 * MEGABYTE // 4
    assert deep("sums", 10 * MEGABYTE)[3] < 10 + levels * 24 / 2**20 + 8


def test_sixty_four_megabytes_flat():
    status, position, value, peak = deep("flat", 64 * MEGABYTE)
    assert (status, position, value) == ("OK", 64 * MEGABYTE - 1, 32 * MEGABYTE)
    assert peak < 64 * 1.1 + 8


def test_long_numbers_and_long_nothing():
    size = 10 * MEGABYTE
    assert deep("blank", size)[:2] == ("EMPTY", size)
    assert deep("digits", size)[:3] == ("OK", size, float("inf"))
    assert deep("zeros", size)[:3] == ("OK", size, 0.5)


def test_a_recursive_evaluator_does_not_survive_this():
    done = run("deep_test", "closed", 10 * MEGABYTE, "reference", preexec_fn=small_stack)
    assert done.returncode == -signal.SIGSEGV
    assert run("deep_test", "closed", 1000, "reference", preexec_fn=small_stack).returncode == 0


def test_without_memory_it_says_so():
    """Nothing but the text fits: too deep, not a crash."""

    def no_memory():
        small_stack()
        resource.setrlimit(resource.RLIMIT_AS, (40 << 20, 40 << 20))

    done = run("deep_test", "sums", 10 * MEGABYTE, preexec_fn=no_memory)
    status, position, value, _ = done.stdout.split()
    assert STATUSES[int(status)] == "TOO_DEEP" and float(value) == 0
    assert int(position) % 3 == 2
