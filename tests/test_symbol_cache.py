"""What gdb said, kept on disk: the same answers, never older than the file, never just believed."""

import json
import os
import shutil
import threading

import pytest

from alloctrace import cache_folder
from alloctrace.elf.elf import ElfFile
from alloctrace.symbols import cache as symbol_cache, files as symbol_files
from alloctrace.symbols import tables as symbol_tables
from alloctrace.symbols.cache import Cached
from start import cache, symbol_gdb

from made_programs import call_sites, compiled, history, module

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
needs_gdb = pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb")
ANSWER = {"chain": [["main", "a.c", 7]], "symbol": ["main", 4]}


class Gdb:
    """In gdb's place: answers all but odd offsets, and remembers what it was asked."""

    def __init__(self, problems=()):
        self.asked, self.problems = [], list(problems)

    def __call__(self, requests, gdb, roots):
        self.asked.append([(path, sorted(offsets)) for path, offsets in requests])
        rows = [{o: ANSWER for o in offsets if o % 2 == 0} for _, offsets in requests]
        return rows, self.problems


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "cache" / "brkpoint")


@pytest.fixture
def program(tmp_path):
    return compiled(tmp_path, "-g", "-O0")


def files(folder):
    return sorted(
        os.path.join(folder, name) for name in os.listdir(folder) if name != cache_folder.LOOKED
    )


def ask(folder, requests, gdb=None):
    """(answers, what gdb was asked) of one run of its own."""
    gdb = gdb or Gdb()
    return Cached(folder, ask=gdb)(requests)[0], gdb.asked


@needs_gcc
def test_what_is_known_is_not_asked_again(folder, program):
    first = ask(folder, [(program, {2, 4, 5})])
    assert first == ([{2: ANSWER, 4: ANSWER}], [[(program, [2, 4, 5])]])
    assert ask(folder, [(program, {2, 4, 5})]) == (first[0], [])
    assert ask(folder, [(program, {2, 6})]) == ([{2: ANSWER, 6: ANSWER}], [[(program, [6])]])
    assert ask(folder, [(program, {2, 4, 5, 6})]) == ([{2: ANSWER, 4: ANSWER, 6: ANSWER}], [])
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert {os.stat(path).st_mode & 0o777 for path in files(folder)} == {0o600}


@needs_gcc
def test_where_gdb_had_trouble_it_is_asked_again(folder, program):
    ask(folder, [(program, {2, 5})], Gdb(["gdb took more than 120 s"]))
    assert ask(folder, [(program, {2, 5})])[1] == [[(program, [5])]]


@needs_gcc
@pytest.mark.parametrize("what", ["content", "time", "debug file", "gdb", "debug roots"])
def test_after_any_change_gdb_is_asked(folder, program, tmp_path, what):
    roots, gdb = [str(tmp_path / "roots")], tmp_path / "gdb"
    gdb.write_text("1")

    def asked(roots):
        fake = Gdb()
        Cached(folder, fake, str(gdb), roots)([(program, {2})])
        return bool(fake.asked)

    assert asked(roots) and not asked(roots)
    if what == "content":
        with open(program, "ab") as file:
            file.write(b"\0")
    if what == "time":
        os.utime(program, ns=(1, 1))
    if what == "debug file":
        build_id = ElfFile(program).build_id
        debug = os.path.join(roots[0], ".build-id", build_id[:2], build_id[2:] + ".debug")
        os.makedirs(os.path.dirname(debug))
        shutil.copy(program, debug)
    if what == "gdb":
        gdb.write_text("12")
    assert asked(roots + ["/other"] if what == "debug roots" else roots)


def spoil(text, key, **change):
    data = json.loads(text)
    data["found"][key] = dict(data["found"][key], **change)
    return json.dumps(data)


DAMAGE = {
    "cut off": lambda text: text[:-9],
    "empty": lambda text: "",
    "no object": lambda text: "[]",
    "deep": lambda text: "[" * 100000,
    "of another file": lambda text: text.replace('"key":"', '"key":" '),
    "no number": lambda text: text.replace('"2":', '"two":'),
    "a huge number": lambda text: text.replace('"2":', '"%s":' % ("9" * 5000)),
    "a name that is none": lambda text: spoil(text, "2", chain=[[7, "a.c", 7]]),
    "a line that is none": lambda text: spoil(text, "2", chain=[["main", "a.c", "7"]]),
    "no chain": lambda text: spoil(text, "2", chain={"a": 1}),
    "endless": lambda text: spoil(text, "2", chain=[["main", "a.c", 7]] * 1000),
    "a symbol that is none": lambda text: spoil(text, "2", symbol=["main", True]),
}


@needs_gcc
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_not_believed_and_mended(folder, program, damage):
    wanted, _ = ask(folder, [(program, {2})])
    (path,) = files(folder)
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(DAMAGE[damage](text))
    assert ask(folder, [(program, {2})]) == (wanted, [[(program, [2])]])
    assert ask(folder, [(program, {2})]) == (wanted, [])


@needs_gcc
@pytest.mark.parametrize("what", ["folder", "file", "link", "fifo"])
def test_what_others_could_have_written_is_not_believed(folder, program, what):
    ask(folder, [(program, {2})])
    (path,) = files(folder)
    if what in ("folder", "file"):
        os.chmod(folder if what == "folder" else path, 0o777)
    else:
        os.rename(path, path + ".elsewhere")
        os.symlink(path + ".elsewhere", path) if what == "link" else os.mkfifo(path)
    assert ask(folder, [(program, {2})])[1] == [[(program, [2])]]


@needs_gcc
@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/brkpoint"])
def test_without_a_place_gdb_answers(program, place):
    assert ask(place, [(program, {2})]) == ([{2: ANSWER}], [[(program, [2])]])


def test_a_file_that_is_none_is_only_asked_about(folder, tmp_path):
    missing = str(tmp_path / "missing")
    assert ask(folder, [(missing, {2})]) == ([{2: ANSWER}], [[(missing, [2])]])
    assert not os.path.exists(folder)


@needs_gcc
def test_a_run_adds_a_line_and_a_bad_line_spoils_all(folder, program):
    ask(folder, [(program, {2})])
    (path,) = files(folder)
    begun = os.stat(path).st_ino
    assert ask(folder, [(program, {2, 4})])[1] == [[(program, [4])]]
    with open(path, encoding="ascii") as file:
        lines = file.readlines()
    assert len(lines) == 2 and os.stat(path).st_ino == begun
    for bad in (
        lines[1][:-9] + "\n",
        lines[1].rstrip("\n"),
        lines[1].replace('"key":"', '"key":" '),
    ):
        with open(path, "w", encoding="ascii") as file:
            file.write(lines[0] + bad)
        assert ask(folder, [(program, {2, 4})])[1] == [[(program, [2, 4])]]


@needs_gcc
def test_its_size_is_bounded(folder, program, monkeypatch):
    """Of one file the newest answers stay, of all files the newest files."""
    ask(folder, [(program, {2})])
    most = os.path.getsize(*files(folder)) + 100  # less than another line
    monkeypatch.setattr(symbol_cache, "MAX_FILE", most)
    for offset in range(4, 60, 2):
        ask(folder, [(program, {offset})])
    (path,) = files(folder)
    assert os.path.getsize(path) <= most and ask(folder, [(program, {58})])[1] == []
    for number in range(20):
        name = os.path.join(folder, "symbols-%016x" % number)
        with open(name, "w", encoding="ascii") as file:
            file.write("x" * 200)
        os.utime(name, (number, number))
    monkeypatch.setattr(cache_folder, "MAX_FOLDER", 3000)
    monkeypatch.setattr(cache_folder, "AGAIN_S", 0)
    ask(folder, [(program, {60})])
    assert sum(map(os.path.getsize, files(folder))) <= 2250 and path in files(folder)


@needs_gcc
def test_many_at_once(folder, program):
    """Whoever comes last wins; nobody reads half a file, and nothing is left about."""
    runs = [
        threading.Thread(target=ask, args=(folder, [(program, {2 * n, 2 * n + 2})]))
        for n in range(40)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(files(folder)) == 1
    answers, _ = ask(folder, [(program, set(range(0, 82, 2)))])
    assert answers == [{offset: ANSWER for offset in range(0, 82, 2)}]


@needs_gcc
@needs_gdb
def test_the_names_are_those_of_gdb(folder, tmp_path, monkeypatch):
    path = compiled(tmp_path, "-g", "-O2", "-fno-builtin")
    program, libc = module(path, role="executable"), module(LIBC, 2)
    pcs = [program.base + site for site in call_sites(path, "malloc")]
    pcs += [libc.base + function for function in (0x26000, 0x27000, 0x80123, 0x98765)]
    past = history([program, libc], pcs)
    wanted = symbol_gdb.symbolise(past, gdb=shutil.which("gdb"))
    fresh = symbol_gdb.symbolise(
        past, gdb=Cached(folder, gdb=shutil.which("gdb"), ask=symbol_gdb.ask)
    )
    never = Cached(folder, gdb=shutil.which("gdb"), ask=None)  # calling None would fail
    monkeypatch.setattr(symbol_files, "Tables", None)
    assert wanted == fresh == symbol_gdb.symbolise(past, gdb=never)
    assert any(frame.line for frame in wanted[1])
    monkeypatch.undo()
    for bad in (
        {"functions": [[1, "main", "main", []]] * 9},
        {"functions": [["2", 3, "a", "a", [0] * 7]] * 9},
        {"at": {"2": [True, None]}},
        {"at": {"2": [2, -1]}},
        {"at": {"2": [2, 99]}},
        {"at": 7},
        {"returns": [True]},
    ):
        for path in files(folder):
            with open(path, encoding="ascii") as file:
                lines = [dict(json.loads(line), **bad) for line in file]
            with open(path, "w", encoding="ascii") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        again = Cached(folder, gdb=shutil.which("gdb"), ask=symbol_gdb.ask)
        assert again([(LIBC, set())]) == ([{}], []) and again.functions(LIBC) == {}
        assert again.returns(LIBC) == set()
        assert wanted == symbol_gdb.symbolise(past, gdb=again)


BARE = """#include <stdlib.h>
extern "C" void *plain(int n) { void *p = malloc(n); free(malloc(n)); return p; }
struct Named { static void *made(int n); };
void *Named::made(int n) { void *p = malloc(n); free(malloc(n)); return p; }
int main(void) { plain(1); Named::made(2); return 0; }
"""


def asked_of(folder, path, sites):
    """How many addresses gdb is asked about, and the names of the stacks from these sites."""
    asked, gdb = [], shutil.which("gdb")

    def ask(requests, *rest):
        asked.extend(offset for _, offsets in requests for offset in offsets)
        return symbol_gdb.ask(requests, *rest)

    program = module(path, role="executable")
    past = history([program], [program.base + site for site in sites])
    found = symbol_gdb.symbolise(past, gdb=Cached(folder, ask, gdb))
    assert found == symbol_gdb.symbolise(past, gdb=gdb)
    return len(asked), [frame.function for frame in found[1]]


@needs_gcc
@needs_gdb
def test_gdb_is_asked_once_about_a_function_without_lines(folder, tmp_path, monkeypatch):
    """And not at all where the file's own tables say all that gdb could."""
    words = ("-O1", "-fno-builtin", "-fno-inline")
    bare = compiled(tmp_path, *words, source=BARE, compiler="g++", name="bare")
    first, second, *named = call_sites(bare, "malloc")
    assert asked_of(folder, bare, [first, second]) == (0, ["plain", "plain"])
    assert asked_of(folder, bare, named[:1]) == (0, ["Named::made"])
    with monkeypatch.context() as changed:
        changed.setattr(symbol_tables, "demangled", lambda name: None)  # not sure of any
        shutil.rmtree(folder)
        assert asked_of(folder, bare, named[:1]) == (1, ["Named::made"])
        assert asked_of(folder, bare, named) == (0, ["Named::made", "Named::made"])
    lines = compiled(tmp_path, "-g", *words, source=BARE, compiler="g++", name="lines")
    first, second, *named = call_sites(lines, "malloc")
    assert asked_of(folder, lines, [first]) == (1, ["plain"])
    assert asked_of(folder, lines, [first, second, *named])[0] == 3


@needs_gcc
def test_functions_of_a_file_that_was_replaced_are_not_kept(folder, tmp_path, program):
    kept = Cached(folder, ask=Gdb())
    other = compiled(tmp_path, "-O1", name="other")
    with ElfFile(program) as elf:
        os.replace(other, program)
        kept([(program, {2})])
        kept.keep(elf, {2: (0, None)})
        assert Cached(folder, ask=Gdb())([(program, {2})])[0] == [{2: ANSWER}]
    with ElfFile(program) as elf:
        assert kept.functions(program) == {}
        kept.keep(elf, {2: (0, None)})
    again = Cached(folder, ask=Gdb())
    again([(program, {2})])
    assert again.functions(program) == {2: (0, None)}


def test_where_it_lies(monkeypatch):
    monkeypatch.delenv("BRKPOINT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x/cache")
    assert cache.folder() == "/x/cache/brkpoint"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/x/me")
    assert cache.folder() == "/x/me/.cache/brkpoint"
    monkeypatch.setenv("BRKPOINT_CACHE", "/elsewhere")
    assert cache.folder() == "/elsewhere"
    for nowhere in ("", "relative/path", "~"):
        monkeypatch.setenv("BRKPOINT_CACHE", nowhere)
        assert cache.folder() is None


def test_the_scripts_that_answers_depend_on_are_there():
    assert all(map(os.path.exists, symbol_gdb.SCRIPTS))
