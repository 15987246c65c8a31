"""Values that are kept between runs: the same as made anew, and never just believed."""

import marshal
import os
import subprocess
import sys
import time
import zlib
from types import SimpleNamespace

import pytest

from alloctrace import allocators, cache_folder, kept
from alloctrace.elf import defined, elf, symbols as elf_symbols
from alloctrace.model import Frame, Module
from alloctrace.origin import table as origin_table
from alloctrace.purpose import function_steps, rules as purpose_rules
from alloctrace.symbols import index
from alloctrace.symbols.tables import Tables
from command import checks

VALUE = {"rules": [("a", 1 << 300)], "names": ["é", None]}


@pytest.fixture(autouse=True)
def folder(tmp_path):
    where = str(tmp_path / "cache" / "brkpoint")
    kept.use(where)
    yield where
    kept.use(None)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "rules.ini"
    path.write_text("[a]\n")
    return str(path)


def asked(source, value=VALUE):
    """(the value, how often it had to be made)"""
    calls = []
    return kept.made("test", [source], lambda: calls.append(1) or value), len(calls)


def listed(folder):
    return [name for name in os.listdir(folder) if name != cache_folder.LOOKED]


def path_of(folder):
    (name,) = listed(folder)
    return os.path.join(folder, name)


def rewritten(path, change):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    change(data)
    with open(path, "wb") as file:
        file.write(data)


def sealed(value):
    """A whole file that says `value`, as who may write there could make it."""
    rest = marshal.dumps(value)
    return kept.HEAD + zlib.crc32(rest).to_bytes(4, "little") + rest


def test_made_once(folder, source):
    assert asked(source) == (VALUE, 1)
    assert asked(source, "another") == (VALUE, 0)
    assert listed(folder) == [os.path.basename(path_of(folder))]
    assert os.stat(path_of(folder)).st_mode & 0o777 == 0o600
    assert kept.not_believed(folder) == []


def test_made_anew_where_a_source_has_changed(folder, source):
    asked(source)
    with open(source, "a") as file:
        file.write("[b]\n")
    assert asked(source, "newer") == ("newer", 1)
    assert asked(source) == ("newer", 0)  # in place of the older one
    assert len(listed(folder)) == 1


def test_nowhere(folder, source):
    kept.use(None)
    assert asked(source) == (VALUE, 1) and not os.path.exists(folder)


def flipped(path, folder):
    rewritten(path, lambda data: data.__setitem__(-3, data[-3] ^ 1))


def truncated(path, folder):
    rewritten(path, lambda data: data.__delitem__(slice(len(data) // 2, None)))


def emptied(path, folder):
    rewritten(path, lambda data: data.clear())


def too_long(path, folder):
    rewritten(path, lambda data: data.extend(bytes(kept.MAX_FILE)))


def no_pair(path, folder):
    rewritten(path, lambda data: data.__setitem__(slice(None), sealed([1, 2, 3])))


def writable(path, folder):
    os.chmod(path, 0o620)


def writable_folder(path, folder):
    os.chmod(folder, 0o770)


def linked(path, folder):
    os.rename(path, folder + "-elsewhere")
    os.symlink(folder + "-elsewhere", path)


def of_another_user(path, folder):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, -1)


BAD = [flipped, truncated, emptied, too_long, no_pair, writable, writable_folder, linked]


@pytest.mark.parametrize("spoil", [*BAD, of_another_user], ids=lambda spoil: spoil.__name__)
def test_what_is_spoilt_is_not_believed_and_told(folder, source, spoil):
    asked(source)
    spoil(path_of(folder), folder)
    ((path, why),) = kept.not_believed(folder)
    assert path == path_of(folder) and why
    (finding,) = checks.kept_tables(folder)
    named = folder if spoil is writable_folder else path
    assert finding.state == "note" and named in finding.says and named in finding.mend
    assert asked(source, "anew") == ("anew", 1)


@pytest.mark.parametrize("spoil", [*BAD, of_another_user], ids=lambda spoil: spoil.__name__)
def test_what_doctor_says_mends_it(folder, source, spoil):
    asked(source)
    spoil(path_of(folder), folder)
    (finding,) = checks.kept_tables(folder)
    subprocess.run(finding.mend, shell=True, check=True)
    assert checks.kept_tables(folder) == []
    asked(source)
    assert asked(source) == (VALUE, 0)


def test_doctor_says_nothing_of_what_is_whole(folder, source):
    assert checks.kept_tables(folder) == []
    asked(source)
    assert checks.kept_tables(folder) == []


@pytest.mark.parametrize(
    "key", [[], None, ["test", 0, None, None]], ids=["empty", "none", "of another Python"]
)
def test_what_was_made_of_something_else_is_not_taken(folder, source, key):
    asked(source)
    rewritten(path_of(folder), lambda d: d.__setitem__(slice(None), sealed((key, "poison"))))
    assert asked(source) == (VALUE, 1)


def test_all_that_is_kept_has_a_limit(folder, source, monkeypatch):
    monkeypatch.setattr(cache_folder, "MAX_FOLDER", 1000)
    monkeypatch.setattr(cache_folder, "AGAIN_S", 0)
    for number in range(9):
        kept.made("test %d" % number, [source], lambda: "x" * 200)
    assert sum(os.stat(entry).st_size for entry in os.scandir(folder)) <= 1000
    kept.made("long", [source], lambda: "x" * (kept.MAX_FILE + 1))
    assert sum(os.stat(entry).st_size for entry in os.scandir(folder)) <= 1000


def test_where_the_functions_of_a_browser_begin_is_kept(folder, source):
    count, calls = 1_000_000, []
    starts, ends = range(0, 16 * count, 16), range(9, 16 * count + 9, 16)
    codes = [SimpleNamespace(starts=starts, ends=ends, rows=range(count))]

    def make():
        calls.append(1)
        return list(map(index._row, index._made(codes)))

    for _ in range(2):
        rows = [index._array(*row) for row in kept.made("functions", [source], make)]
    assert len(calls) == 1 and list(rows[0]) == list(starts) and list(rows[1]) == list(ends)


def test_all_files_are_looked_at_once_a_minute(folder, source, monkeypatch):
    looked, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(path) or scandir(path))
    for number in range(9):
        kept.made("test %d" % number, [source], lambda: "x")
    assert looked == [folder]
    minute_ago = time.time() - cache_folder.AGAIN_S
    os.utime(os.path.join(folder, cache_folder.LOOKED), (minute_ago, minute_ago))
    kept.made("later", [source], lambda: "x")
    assert looked == [folder, folder]


@pytest.mark.parametrize(
    "default, plain",
    [
        (origin_table.default, lambda table: table.rows),
        (purpose_rules.default, lambda rules: rules.rules),
        (allocators.standard, list),
    ],
    ids=["origin", "purpose", "allocators"],
)
def test_tables_are_the_same(folder, default, plain):
    kept.use(None)
    default.cache_clear()
    of_text = default()
    kept.use(folder)
    for _ in range(2):  # the second time of what the first one kept
        default.cache_clear()
        assert default() is not of_text and plain(default()) == plain(of_text)
    assert len(listed(folder)) == 1
    default.cache_clear()


ASK = """
import sys; sys.path.insert(0, ".")
from alloctrace import kept, tables
from alloctrace.model import Frame, Module
from alloctrace.origin import table as origin_table
from alloctrace.purpose import function_steps, rules as purpose_rules
from alloctrace.symbols.tables import Tables
if sys.argv[1]: kept.use(sys.argv[1])
tables.read = None  # no text is read
purpose_rules.default()
"""


def test_no_text_is_read_of_what_is_kept(folder):
    purpose_rules.default.cache_clear()
    purpose_rules.default()
    words = [sys.executable, "-ISc", ASK]
    assert subprocess.run([*words, folder], timeout=300).returncode == 0
    assert subprocess.run([*words, ""], timeout=300, stderr=subprocess.DEVNULL).returncode == 1


def test_no_cache(tmp_path, brkpoint_true):
    """--no-cache writes nothing there and takes nothing from there; without it something is."""
    where = tmp_path / "own"
    assert brkpoint_true(where, "--no-cache") == 0 and not where.exists()
    assert brkpoint_true(where) == 0
    names = {name.split("-")[0] for name in listed(where)}
    assert "tables" in names
    before = {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(where)}
    assert brkpoint_true(where, "--no-cache") == 0
    assert before == {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(where)}


@pytest.fixture
def brkpoint_true(tmp_path):
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

    def run(cache, *options):
        words = [
            os.path.join(top, "brkpoint"),
            "run",
            "--force",
            "-o",
            str(tmp_path / "t.brkpoint"),
        ]
        words += ["--quiet", *options, "/bin/true"]
        return subprocess.run(words, env=dict(os.environ, BRKPOINT_CACHE=str(cache))).returncode

    return run


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A program that counts as a large one."""
    monkeypatch.setattr(kept, "LARGE", 0)
    path = tmp_path / "program"
    source = "int asked_for(void) { return 7; } int main(void) { return asked_for(); }"
    command = ["gcc", "-g0", "-xc", "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True)
    return str(path)


def functions_of(path):
    """{name: (start, end)} as alloctrace/symbols/tables.py finds them, without looking at symbols
    that it is not asked for."""
    with elf.ElfFile(path) as file:
        tables = Tables(file)
        starts = tables._index.starts
        return {f.name: (f.start, f.end) for f in map(tables.at, starts) if f is not None}


def test_functions_of_a_large_file_are_found_once(large, monkeypatch):
    first = functions_of(large)
    assert "asked_for" in first and "main" in first
    monkeypatch.setattr(elf_symbols, "Code", None)  # what looks at every symbol
    assert functions_of(large) == first


def test_twin_functions_of_a_file_that_was_changed_are_found_anew(large):
    assert "asked_for" in functions_of(large)
    subprocess.run(["strip", large], check=True)
    assert "asked_for" not in functions_of(large)


def test_twin_what_is_found_in_a_small_file_is_not_kept(large, monkeypatch, folder):
    monkeypatch.setattr(kept, "LARGE", 4 << 20)
    assert "asked_for" in functions_of(large)
    assert defined.functions(large, ["asked_for"]) == {"asked_for"}
    assert not os.path.exists(folder)


def test_which_names_a_large_file_defines_is_looked_up_once(large, monkeypatch):
    names = ["asked_for", ".text", "not_there"]
    assert defined.functions(large, names) == {"asked_for", ".text"}
    monkeypatch.setattr(elf_symbols, "functions_named", None)
    assert defined.functions(large, names) == {"asked_for", ".text"}
    with pytest.raises(TypeError):
        defined.functions(large, ["main"])  # another question


def test_which_rules_name_a_function_is_asked_once(folder, monkeypatch):
    """Not a function of the next run of the program; the twin: one that is new, or of another."""
    asked, steps_of = [], function_steps._bits
    monkeypatch.setattr(function_steps, "_bits", lambda name: asked.append(name) or steps_of(name))
    names = ["malloc", "_dl_map_object", None, *("f%d" % at for at in range(1000))]
    frames = [Frame(at, function=name) for at, name in enumerate(names + names)]
    modules = [Module(1, "/m", 0, 0, 9), Module(2, "/p", 0, 0, 9, role="executable")]
    said = [steps_of(frame.function) for frame in frames]
    assert function_steps.of_frames(frames, modules) == said and any(said)
    assert sorted(asked, key=str) == sorted(names, key=str)
    del asked[:]
    more = [*frames, Frame(9, function="_dl_open")]
    assert function_steps.of_frames(frames, modules) == said and asked == []
    for little, asks in ((64, 1), (len(names), 1), (len(names), 0)):  # of many, or of few as well
        monkeypatch.setattr(function_steps, "LITTLE", little + 1)
        assert function_steps.of_frames(more, modules) == [*said, steps_of("_dl_open")]
        assert asked == ["_dl_open"] * asks
        del asked[:]
    assert function_steps.of_frames(frames, modules[:1]) == said and len(asked) == len(names)
