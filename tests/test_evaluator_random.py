"""mexe beside its reference and strtod; and that each of these tests would see a wrong mexe."""

import functools
import glob
import os
import shutil
import subprocess

import pytest

from evaluator_library import ROOT, make, run

SHARED = ["-std=c11", "-O1", "-ffp-contract=off"]


@pytest.fixture(scope="module", autouse=True)
def programs():
    make("evaluator-tests")


def test_a_million_expressions():
    done = run("random_test", 1000000)
    assert done.returncode == 0, done.stderr
    accepted, refused = (int(word) for word in done.stdout.split() if word.isdigit())
    assert accepted > 700000 and refused > 100000 and accepted + refused == 1000000


def test_numbers_as_strtod():
    done = run("numbers_test", 4000)
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split()[0]) > 200000


def test_valgrind_is_content():
    for program, count in (("random_test", 3000), ("numbers_test", 60)):
        command = ["valgrind", "-q", "--error-exitcode=9", "--leak-check=full"]
        command += [os.path.join(ROOT, "build", "evaluator-tests", program), str(count)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr.decode()


# ---- the twins: a mexe with one thing wrong, and the test that sees it --------------------------

WRONG = [
    ("pending.h", "WAITS | DIVIDES, '/'", "WAITS, '/'", "random"),
    ("pending.h", "{ONE | SIGN}", "{ONE}", "random"),
    ("pending.h", "lane_of(-0.0)", "lane_of(0.0)", "random"),
    ("pending.h", "LEVEL = 24", "LEVEL = 16", "random"),
    ("pending.h", "kind |= SIGNED", "kind |= 0", "random"),
    ("run.h", "!(now.kind & SIGNED)", "true", "random"),
    ("quick.h", "term = 1, value", "term = 2, value", "random"),
    ("run.h", "memory->grow(memory, used)", "memory->grow(memory, 0)", "deep"),
    ("run.h", "at += more + 1 -", "at += more -", "random"),
    ("run.h", "next = run->copied + (behind - run->place)", "next += BLOCK", "numbers"),
    ("run.h", "size - 1 + SEEN", "size - 2 + SEEN", "random"),
    ("tail.h", "UINT64_MAX << size", "UINT64_MAX << size << 1", "random"),
    ("vectors.h", ">> (120 - 8 * size)", ">> (112 - 8 * size)", "random"),
    ("marks.h", "marks->tokens &= UINT64_MAX >> cut", "(void)cut", "random"),
    ("marks.h", "~c.digits >> 1 | ", "", "random"),
    ("marks.h", "~(c.digits << 1) | ", "", "random"),
    ("marks.h", " | (behind & ~c.digits)", "", "random"),
    ("marks.h", "c.digits << 4", "c.digits << 5", "random"),
    ("number_words.h", "piece.stop & -piece.stop", "0 & piece.stop", "random"),
    ("number_avx2.h", "size > 8", "size > 9", "random"),
    ("number_avx2.h", "size - 1 >= 15", "size - 1 >= 17", "numbers"),
    ("number_words.h", "15 + size - bytes", "14 + size - bytes", "numbers"),
    ("number_avx2.h", "15 + size - point", "14 + size - point", "numbers"),
    ("number.c", "d->cut |= digit != 0", "d->cut |= false", "numbers"),
    ("product.c", "else if (rest + slack >= half)", "else if (rest > half)", "numbers"),
    ("product.c", "(rest == half && product.low > 0)", "rest == half", "numbers"),
    ("decimal.c", "rest == 0 && (quotient & 1)", "rest == 0", "numbers"),
    ("decimal.c", "DIGITS_MAX = 770", "DIGITS_MAX = 700", "numbers"),
    ("decimal.c", "-1074 ? -1074", "-1074 ? -1073", "numbers"),
    ("decimal.c", "unit > 971", "unit > 970", "numbers"),
]
COUNTS = {"random": [10000], "numbers": [200], "deep": ["sums", 100000]}


EVALUATOR = os.path.join(ROOT, "evaluator")
SIMD = ["-mavx2", "-mbmi", "-mbmi2"] if os.uname().machine == "x86_64" else []


def sources_of(test):
    """The library's, and those of the program that tests it."""
    parts = [test + "_test", "reference", "ways"] + (["compare"] if test == "random" else [])
    return glob.glob(EVALUATOR + "/*.c") + ["%s/tests/%s.c" % (EVALUATOR, part) for part in parts]


def compiled(source, made, flags, headers=EVALUATOR):
    """The path of the object: `made` with the source's name."""
    simd = SIMD if os.path.basename(source) == "run_avx2.c" else []
    path = os.path.join(made, os.path.basename(source)[:-2] + ".o")
    words = ["gcc", *SHARED, *flags, *simd, "-I" + headers, "-c", "-o", path, source]
    subprocess.run(words, check=True)
    return path


@functools.lru_cache(maxsize=None)
def reads(source):
    """The names of the files that a source is made of."""
    words = ["gcc", "-MM", *SIMD, "-I" + EVALUATOR, source]
    text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    return {os.path.basename(word) for word in text.split()}


@pytest.fixture(scope="module")
def as_it_is(tmp_path_factory):
    """A function: the object of a source as it is, compiled once for each set of flags."""

    @functools.lru_cache(maxsize=None)
    def one(source, flags):
        return compiled(source, str(tmp_path_factory.mktemp("right")), flags)

    return one


def changed(folder, name, right, wrong):
    """The library's files in FOLDER, with WRONG for RIGHT in the file NAME."""
    for path in glob.glob(EVALUATOR + "/*.[ch]"):
        shutil.copy(path, folder)
    path = os.path.join(folder, name)
    with open(path) as file:
        text = file.read()
    assert right in text, "the test has fallen behind %s" % name
    with open(path, "w") as file:
        file.write(text.replace(right, wrong))


def objects(folder, name, test, as_it_is):
    """Compiled anew is what reads the file NAME, which is another one in FOLDER."""
    for source in sources_of(test):
        if name not in reads(source):
            yield as_it_is(source, ())
        elif os.path.dirname(source) == EVALUATOR:
            yield compiled(os.path.join(folder, os.path.basename(source)), folder, (), folder)
        else:
            yield compiled(source, folder, (), folder)


def outcome_of(folder, parts, test, flags=()):
    """How TEST, made of these objects, ended and what it wrote."""
    program = os.path.join(folder, "program")
    subprocess.run(["gcc", *SHARED, *flags, "-o", program, *parts, "-lm"], check=True)
    command = [program, *map(str, COUNTS[test])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return done.returncode, done.stdout


@pytest.mark.parametrize("name, right, wrong, test", WRONG)
def test_what_is_wrong_is_seen(tmp_path, as_it_is, name, right, wrong, test):
    folder = str(tmp_path)
    changed(folder, name, right, wrong)
    status, said = outcome_of(folder, objects(folder, name, test, as_it_is), test)
    assert status != 0 or (test == "deep" and said.split()[:3] != [b"0", b"99997", b"25000"])


SANITIZED = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.parametrize("flags", [(), ("-DMEXE_PORTABLE",), SANITIZED], ids=["", "bare", "san"])
@pytest.mark.parametrize("test", sorted(COUNTS))
def test_what_is_right_passes(tmp_path, as_it_is, test, flags):
    """So that what was seen above was the mistake; also without the machine's own instructions."""
    parts = [as_it_is(source, flags) for source in sources_of(test)]
    status, said = outcome_of(str(tmp_path), parts, test, flags)
    assert status == 0
    assert test != "deep" or said.split()[:3] == [b"0", b"99997", b"25000"]
