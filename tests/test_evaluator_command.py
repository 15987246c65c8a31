"""build/mexe: arguments, lines, files, what is printed, and how it fails."""

import math
import os
import random
import re
import resource
import shutil
import subprocess
import threading
import time

import pytest

from start.version import VERSION
from evaluator_command import MEXE, ROOT, build, mexe, result


@pytest.fixture(scope="module", autouse=True)
def built():
    build()


# ---- expressions ---------------------------------------------------------------------------------


def test_each_argument_gives_a_line():
    assert result("2 + 3", "2 * (20 + 3)", "7/2") == ["5", "46", "3.5"]


def test_behind_two_minus_signs_an_expression_may_begin_with_one():
    assert result("--", "-1", "-(1)") == ["-1", "-1"]
    assert result("1", "-1") == ["1", "-1"]  # options end at the first expression


@pytest.mark.parametrize(
    "words, column, sentence",
    [
        (["2 +"], 4, "expected a number or an opening parenthesis"),
        (["2 3"], 3, "expected an operator"),
        ([""], 1, "the expression is empty"),
        (["--", "--2"], 2, "expected a number"),
        (["1 + \xff"], 5, "no expression contains"),
    ],
)
def test_an_error_has_its_column_and_its_sentence(words, column, sentence):
    done = mexe(*words)
    assert (done.returncode, done.stdout) == (1, b"error\n")
    assert done.stderr.startswith(b"mexe: column %d: %s" % (column, sentence.encode())), done
    assert done.stderr.count(b"\n") == 1 and done.stderr.endswith(b"\n")


def test_one_error_spoils_the_status_and_no_other_result():
    done = mexe("1", "(", "3")
    assert (done.returncode, done.stdout) == (1, b"1\nerror\n3\n")


@pytest.mark.parametrize(
    "words",
    [["-1"], ["--nonsense"], ["-x", "1"], ["--"], ["-f"], ["-f", "a", "b"], ["-"], ["-fa", "b"]],
)
def test_wrong_usage(words):
    done = mexe(*words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"mexe: ") and done.stderr.count(b"\n") == 1
    assert b"mexe --help" in done.stderr


# ---- lines ---------------------------------------------------------------------------------------


def test_each_line_gives_a_line_and_a_blank_one_a_blank_one():
    assert result(given=b"1+1\n\n \t\r\n2*3\r\n7") == ["2", "", "", "6", "7"]
    assert result(given=b"") == []
    assert result(given=b"\n") == [""]


def test_a_line_may_hold_any_bytes():
    done = mexe(given=b"1\n2\x00\n\xc3\xa4\n4\n")
    assert (done.returncode, done.stdout) == (1, b"1\nerror\nerror\n4\n")
    assert done.stderr.splitlines() == [
        b"mexe: line 2, column 2: no expression contains this character",
        b"mexe: line 3, column 1: no expression contains this character",
    ]


@pytest.mark.parametrize("size", [65534, 65535, 65536, 65537, 131071, 131072, 300007])
def test_a_line_may_be_longer_than_any_buffer(size):
    long = b"1+" * (size // 2) + b"1" * (1 + size % 2)
    ones = int(long.split(b"+")[-1]) + size // 2
    assert result(given=b"7\n%s\n8\n%s" % (long, long)) == ["7", str(ones), "8", str(ones)]


def test_it_answers_each_line_before_it_waits_for_the_next():
    with subprocess.Popen([MEXE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for number in (b"17", b"19"):
            process.stdin.write(number + b"+0\n")
            process.stdin.flush()
            assert process.stdout.readline() == number + b"\n"
        process.stdin.close()


def test_streams_that_do_not_block():
    """A terminal shared with a program that wanted it so."""
    ends = os.pipe() + os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    given, mine, results, taken = ends[0], ends[1], ends[2], ends[3]
    with subprocess.Popen([MEXE], stdin=given, stdout=taken, close_fds=True) as process:
        os.close(given), os.close(taken)
        for end in (mine, results):
            os.set_blocking(end, True)
        time.sleep(0.1)  # it finds nothing to read yet
        os.write(mine, b"2+3\n" * 16000)
        os.close(mine)
        with open(results, "rb") as file:
            assert file.read() == b"5\n" * 16000
        assert process.wait() == 0


def little_memory():
    """64 MiB of addresses in all."""
    resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))


def stream(size):
    """What it says about `size` bytes of lines: (status, lines, the last of them)."""
    piece = b"".join(b"%d + %d\n" % (i, i) for i in range(20011))
    process = subprocess.Popen(
        [MEXE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=little_memory
    )
    feeder = threading.Thread(target=feed, args=(process.stdin, piece, size // len(piece) + 1))
    feeder.start()
    lines, last = 0, b""
    for block in iter(lambda: process.stdout.read(1 << 20), b""):
        lines, last = lines + block.count(b"\n"), block[-6:]
    feeder.join()
    return process.wait(), lines, last


def feed(pipe, piece, times):
    with pipe:
        for _ in range(times):
            pipe.write(piece)


def test_a_stream_needs_no_more_memory_than_a_line():
    """EVALUATOR_STREAM_MB=1100 makes it more than a GB, in a minute."""
    size = int(os.environ.get("EVALUATOR_STREAM_MB", "100")) << 20
    status, lines, last = stream(size)
    assert status == 0 and last == b"40020\n"
    assert lines % 20011 == 0 and lines * 14 > size


def test_a_line_that_needs_more_memory_than_there_is():
    """The negative twin: the limit is felt."""
    done = mexe(given=b"1+" * (40 << 20), preexec_fn=little_memory)
    assert done.returncode == 1
    assert done.stderr == b"mexe: cannot read standard input: Cannot allocate memory\n"


# ---- files ---------------------------------------------------------------------------------------


def test_a_file_is_one_expression(tmp_path):
    path = tmp_path / "sum"
    path.write_bytes(b"2 *\n(3\n+ 4)\n")
    assert result("-f", path) == ["14"]
    assert result("-f%s" % path) == ["14"]
    path.write_bytes(b"1\n2")
    done = mexe("-f", path)
    assert done.stderr.startswith(b"mexe: column 3: ") and done.returncode == 1


def test_a_file_that_ends_with_its_page(tmp_path):
    path = tmp_path / "page"
    for tail in (b"11", b"1+", b"1.", b"1("):
        path.write_bytes(b"1+" * 2047 + tail)
        assert path.stat().st_size == 4096
        assert mexe("-f", path).returncode == (tail != b"11")


def test_files_that_cannot_be_mapped(tmp_path):
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    assert mexe("-f", empty).stderr == b"mexe: column 1: the expression is empty\n"
    assert result("-f", "/dev/stdin", given=b"3\n+\n4") == ["7"]
    assert mexe("-f", "/dev/null").returncode == 1


@pytest.mark.parametrize("name, why", [("none", b"No such file"), (".", b"Is a directory")])
def test_files_that_cannot_be_read(tmp_path, name, why):
    done = mexe("-f", tmp_path / name)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"mexe: cannot read ") and why in done.stderr


# ---- when reading or writing fails ---------------------------------------------------------------


def test_standard_input_that_cannot_be_read(tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    done = mexe(stdin=folder)
    os.close(folder)
    assert done.returncode == 1
    assert done.stderr == b"mexe: cannot read standard input: Is a directory\n"


@pytest.mark.parametrize("words", [["1+1"], ["--help"], ["--version"], ["1", "("], []])
def test_results_that_cannot_be_written(words):
    with open("/dev/full", "wb") as full:
        done = mexe(*words, given=b"1\n" * 100000, stdout=full)
    assert done.returncode == 1
    assert done.stderr == b"mexe: cannot write the results: No space left on device\n"


def test_results_that_nobody_takes():
    done = mexe("1+1", preexec_fn=lambda: os.close(1), stdout=None)
    assert done.returncode == 1 and b"Bad file descriptor" in done.stderr


def test_complaints_that_cannot_be_written_change_nothing_else():
    with open("/dev/full", "wb") as full:
        done = mexe("1", "(", "3", stderr=full)
    assert (done.returncode, done.stdout) == (1, b"1\nerror\n3\n")


# ---- how numbers are printed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression, printed",
    [
        ("46", "46"), ("1/10", "0.1"), ("-0", "-0"), ("1/0", "inf"), ("-1/0", "-inf"),
        ("0/0", "nan"), ("1" + 300 * "0", "1e+300"), ("0.1+0.2", "0.30000000000000004"),
        ("9007199254740993", "9007199254740992"), ("9999999999999998", "9999999999999998"),
        ("1" + 16 * "0", "1e+16"), ("1/10000", "0.0001"), ("1/100000", "1e-05"), ("1.50", "1.5"),
        ("123456789012345680", "1.2345678901234568e+17"), ("1000000", "1000000"),
        ("1/17592186044416", "5.684341886080802e-14"), ("000.000", "0"),
    ],
)  # fmt: skip
def test_how_a_number_is_printed(expression, printed):
    assert result("--", expression) == [printed]


def exactly(value):
    """`value` as an expression: all its digits."""
    return "%.1100f" % value


def wanted(value):
    """What Python's repr says, which has the fewest digits too, without the .0 of whole numbers."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def some_doubles():
    chance = random.Random(37)
    yield from (sign * math.ldexp(1.0, e) for e in range(-1074, 1024, 3) for sign in (1, -1))
    yield from (math.ldexp(chance.random(), chance.randrange(-1080, 1024)) for _ in range(997))
    yield from (float(chance.randrange(10 ** chance.randrange(1, 24))) for _ in range(499))
    yield from (round(chance.uniform(-1e6, 1e6), chance.randrange(8)) for _ in range(997))


def test_every_double_is_printed_in_the_fewest_digits_that_read_back():
    values = list(some_doubles())
    printed = result(given="\n".join(map(exactly, values)).encode())
    assert printed == [wanted(value) for value in values]


# ---- help, version, manual page ------------------------------------------------------------------


def test_version():
    assert result("--version") == ["mexe " + VERSION]


def options_of(text):
    return set(re.findall(r"(?<![\w-])--?[a-z]+\b|(?<![\w-])--(?![\w-])", text))


def test_the_manual_page_has_the_options_of_the_help():
    with open(os.path.join(ROOT, "docs/man/mexe.1"), encoding="utf-8") as file:
        page = file.read().split(".SH OPTIONS")[1].split(".SH DIAGNOSTICS")[0]
    page = options_of(re.sub(r"\\f[BIR]", "", page).replace("\\-", "-"))
    said = options_of("\n".join(result("--help")))
    assert said == page == {"--", "-f", "-h", "--help", "--version"}
    assert result("-h") == result("--help")


def test_the_width_of_the_help():
    assert max(map(len, result("--help"))) <= 100


def test_the_completion_offers_the_options():
    script = 'source completions/mexe.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _mexe; '
    command = ["bash", "-c", script + 'printf "%s\\n" "${COMPREPLY[@]}"', "-", "mexe"]
    done = subprocess.run([*command, "--"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().split() == ["--", "--help", "--version"]
    done = subprocess.run([*command, "1+1", "-"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    assert done.stdout.split() == []


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_the_manual_page_is_sound():
    command = ["groff", "-man", "-ww", "-Tutf8", "-z", os.path.join(ROOT, "docs/man/mexe.1")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, b"")
