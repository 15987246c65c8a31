"""Programs with a compiler's sanitizer inside, which count on addresses of their own: they end as
alone, with the same mistakes found, and their calls are seen."""

import collections
import os
import re
import shutil
import subprocess

import launching
import pytest
import recorder_runs
from recorder_runs import NOT_BUILT

pytestmark = pytest.mark.skipif(not recorder_runs.BUILT, reason=NOT_BUILT)

SANITIZERS = [
    ("gcc", "thread"),
    ("clang", "thread"),
    ("clang", "memory"),
    ("gcc", "address"),
    ("clang", "address"),
    ("gcc", "leak"),
    ("clang", "leak"),
    ("gcc", "undefined"),
    ("clang", "dataflow"),
]
# no further program for the names of functions
ENVIRONMENT = dict(
    os.environ, **{c + "SAN_OPTIONS": "symbolize=0" for c in ("A", "L", "M", "T", "UB")}
)


@pytest.fixture(scope="module", params=SANITIZERS, ids="-".join)
def sanitized(request, tmp_path_factory):
    """(the program, its sanitizer)."""
    compiler, name = request.param
    if not shutil.which(compiler):
        pytest.skip("no " + compiler)
    program = os.path.join(str(tmp_path_factory.mktemp("sanitized")), name)
    source = os.path.join(recorder_runs.PROBES, "sanitized.c")
    words = [compiler, "-g", "-O0", "-pthread", "-fsanitize=" + name, "-o", program, source]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("%s has no -fsanitize=%s" % (compiler, name))
    return program, name


def run(words, **how):
    limit_s = launching.LIMIT_S
    return subprocess.run(words, capture_output=True, timeout=limit_s, env=ENVIRONMENT, **how)


def watched(folder, words):
    options = (b"--engine", b"recorder")
    command = launching.watched(
        *map(os.fsencode, words), options=options, trace=folder / "t.brkpoint"
    )
    return run(command)


def test_it_ends_as_alone_and_its_calls_are_seen(tmp_path, sanitized):
    program, name = sanitized
    alone, done = run([program]), watched(tmp_path, [program])
    assert (done.returncode, done.stdout, done.stderr) == (0, alone.stdout, alone.stderr)
    assert alone.stdout == b"1\n"
    report = launching.report(tmp_path)
    assert report["complete"] and report["events_lost"] == 0
    told = [note for note in report["notes"] if "sanitizer" in note and "<unknown module>" in note]
    assert len(told) == (name not in ("undefined", "dataflow"))
    query = "select name, size, count(*) from events where origin = 'user' and size in (2301, 1009)"
    words = [
        launching.BRKPOINT,
        "sql",
        str(tmp_path / "t.brkpoint"),
        query + " group by name, size",
    ]
    rows = run(words, check=True).stdout.decode().split("\n")
    found = collections.Counter(tuple(row.split()) for row in rows)
    assert found[("malloc", "2301", "1")] == found[("malloc", "1009", "101")] == 1, rows


def mistakes(err):
    """What a sanitizer says, without numbers of processes and addresses."""
    return sorted(set(re.findall(rb"(?:Sanitizer|runtime error): [A-Za-z -]+", err)))


def test_its_mistakes_are_found(tmp_path, sanitized):
    program, name = sanitized
    alone, done = run([program, name]), watched(tmp_path, [program, name])
    assert done.returncode == alone.returncode
    assert mistakes(done.stderr) == mistakes(alone.stderr)
    assert mistakes(alone.stderr) or name == "dataflow"


@pytest.mark.parametrize(
    "before", [["/bin/sh", "-c", 'ulimit -s unlimited; exec "$@"', "sh"], ["setarch", "-R"]]
)
def test_another_layout_of_addresses(tmp_path, sanitized, before):
    """Libraries from below, as with an unlimited stack; and the same addresses in each run."""
    program, name = sanitized
    if name not in ("thread", "memory"):
        pytest.skip("it counts on few addresses")
    words = [*before, program]
    alone, done = run(words), watched(tmp_path, words)
    assert alone.stdout == b"1\n"
    assert (done.returncode, done.stdout) == (alone.returncode, alone.stdout)


FORGOTTEN = """
#include <stdlib.h>
int main(void)
{
    char *volatile block = malloc(1009);
    block = NULL;
    return block != NULL;
}
"""


@pytest.mark.parametrize("compiler, name", [s for s in SANITIZERS if s[1] in ("leak", "address")])
def test_no_word_that_the_recorder_leaves_keeps_a_block(tmp_path, compiler, name):
    """Who looks for leaks looks at dead words of the stack as well."""
    program = str(tmp_path / "forgotten")
    words = [compiler, "-g", "-O0", "-fsanitize=" + name, "-x", "c", "-", "-o", program]
    if not shutil.which(compiler) or subprocess.run(words, input=FORGOTTEN.encode()).returncode:
        pytest.skip("%s has no -fsanitize=%s" % (compiler, name))
    alone, done = run([program]), watched(tmp_path, [program])
    assert alone.returncode == done.returncode != 0
    assert mistakes(alone.stderr) == mistakes(done.stderr) != []


KEEPS = """
#include <stdlib.h>
__attribute__((noinline)) static char *asks(size_t size)
{
    return malloc(size);
}
__attribute__((noinline)) static int forgets(void)
{
    char *block = asks(1009);
    return block == NULL;
}
int main(void)
{
    return forgets();
}
"""
LEAKS = ("leak", "address")
# Of the stack of the leak: each function's name, and where there is none.
NAMED = re.compile(rb"#\d+ 0x[0-9a-f]+ (?:in (\w+)|( \(<unknown module>\)))")


@pytest.mark.parametrize(
    "compiler, name", [s for s in SANITIZERS if s[0] == "gcc" and s[1] in LEAKS]
)
def test_the_allocator_s_caller_is_named_and_suppressions_hold(tmp_path, compiler, name):
    program, list_ = str(tmp_path / "forgets"), tmp_path / "list"
    words = [compiler, "-g", "-O0", "-fsanitize=" + name, "-x", "c", "-", "-o", program]
    if not shutil.which(compiler) or subprocess.run(words, input=KEEPS.encode()).returncode:
        pytest.skip("%s has no -fsanitize=%s" % (compiler, name))
    for function in ("another", "asks"):
        list_.write_text("leak:%s\n" % function)
        words = ["/usr/bin/env", "LSAN_OPTIONS=symbolize=1:suppressions=%s" % list_, program]
        folder = tmp_path / function
        folder.mkdir()
        alone, done = run(words), watched(folder, words)
        assert done.returncode == alone.returncode
        if function == "another":
            shown = [NAMED.findall(ended.stderr) for ended in (alone, done)]
            assert alone.returncode != 0 and len(shown[1]) == len(shown[0]) + 1
    if (b"asks", b"") not in shown[0]:
        pytest.skip("without a symbolizer: nothing is suppressed alone either")
    assert [row for row in shown[1] if row[0]] == [row for row in shown[0] if row[0]]
    assert (b"", b" (<unknown module>)") in shown[1] and alone.returncode == 0
