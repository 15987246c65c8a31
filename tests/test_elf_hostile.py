"""Damaged and hostile ELF files: ElfError or an answer, quickly; nothing else."""

import random
import shutil
import struct
import subprocess
import time

import pytest

from alloctrace.elf.elf import ElfError, ElfFile

SEED = 20240607
LIMIT_S = 5.0  # for one file of a few KB; thousands of times what it takes


def read_everything(path):
    """Ask all there is to ask; an ElfError ends one question, not the others."""
    with ElfFile(path) as elf:
        questions = (
            lambda: (elf.segments, elf.sections, elf.dynamic),
            lambda: (elf.interp, elf.needed, elf.soname, elf.is_pie, elf.is_static),
            lambda: elf.build_id,
            lambda: list(elf.symbols()),
            lambda: elf.functions_named(("main", "malloc", "")),
            lambda: (elf.fde_at(elf.entry), elf.fde_at(0), elf.has_cfi(1 << 63)),
            lambda: elf.unwind_tables.ranges(),
            lambda: list(elf.relocations()),
            lambda: (elf.initialisers(), elf.finalisers()),
            lambda: [elf.plt_target(elf.entry + i) for i in range(40)],
            lambda: elf.loader_malloc(()),
            lambda: elf.debug_file(("/nonexistent",)),
            lambda: elf.looks_like_rust(),
        )
        errors = 0
        for question in questions:
            try:
                question()
            except ElfError as error:
                assert "\n" not in str(error)
                errors += 1
        return errors


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "a.c").write_text("int main(void) { return 0; }")
    out = folder / "a"
    subprocess.run(["gcc", "-Wl,-z,noseparate-code", "-o", out, folder / "a.c"], check=True)
    return out.read_bytes()


def check(path, data):
    path.write_bytes(data)
    start = time.process_time()
    try:
        return read_everything(str(path))
    except ElfError as error:
        assert "\n" not in str(error)
        return 1
    finally:
        assert time.process_time() - start < LIMIT_S


def test_the_untouched_file_has_no_errors(small, tmp_path):
    assert check(tmp_path / "a", small) == 0


def test_cut_off_anywhere(small, tmp_path):
    lengths = list(range(0, 700, 7)) + list(range(700, len(small), 331))
    assert sum(bool(check(tmp_path / "a", small[:length])) for length in lengths) > 50


def mutations(data, count):
    """Random bytes and extreme numbers, most of them where the tables are."""
    rng = random.Random(SEED)
    header = (0, 0x400)
    sections = struct.unpack_from("<Q", data, 40)[0]
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            low, high = rng.choice((header, (sections, len(data)), (0, len(data))))
            at = rng.randrange(low, high - 8)
            if rng.random() < 0.5:
                copy[at] = rng.randrange(256)
            else:
                value = rng.choice((0, 1, 0x7FFFFFFF, 1 << 31, (1 << 63) - 1, (1 << 64) - 1))
                struct.pack_into("<Q", copy, at & ~7, value)
        yield bytes(copy)


def test_mutated(small, tmp_path):
    failed = sum(bool(check(tmp_path / "a", data)) for data in mutations(small, 2500))
    assert 100 < failed < 2500  # the mutations reach the tables, and many do not matter


def test_names_that_share_bytes_do_not_cost_their_square(small, tmp_path):
    """A million symbols, each name one byte shorter than the last one's."""
    count, length = 200000, 30000
    strings = b"\0" + b"A" * length + b"\0"
    rows = b"".join(struct.pack("<IBBHQQ", 1 + i % length, 2, 0, 1, i, 1) for i in range(count))
    names = b"\0.symtab\0.strtab\0"
    start = 64
    offsets = (start, start + len(rows), start + len(rows) + len(strings))
    table = bytes(64)
    table += struct.pack("<IIQQQQIIQQ", 1, 2, 0, 0, offsets[0], len(rows), 2, 0, 8, 24)
    table += struct.pack("<IIQQQQIIQQ", 9, 3, 0, 0, offsets[1], len(strings), 0, 0, 1, 0)
    table += struct.pack("<IIQQQQIIQQ", 9, 3, 0, 0, offsets[2], len(names), 0, 0, 1, 0)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    fields = (3, 62, 1, 0, 0, offsets[2] + len(names), 0, 64, 56, 0, 64, 4, 3)
    data = ident + struct.pack("<HHIQQQIHHHHHH", *fields) + rows + strings + names + table
    path = tmp_path / "a"
    path.write_bytes(data)
    assert len(ElfFile(str(path)).sections) == 3
    with pytest.raises(ElfError, match="overlap"):
        list(ElfFile(str(path)).symbols())


def test_a_table_larger_than_any_memory(small, tmp_path):
    """A sparse file may say that it holds terabytes."""
    path = tmp_path / "a"
    data = bytearray(small)
    path.write_bytes(data)
    section = ElfFile(str(path)).sections[".strtab"]
    at = data.find(struct.pack("<QQ", section.offset, section.size))
    struct.pack_into("<Q", data, at + 8, 1 << 40)
    path.write_bytes(data)
    with open(path, "r+b") as file:
        file.truncate(1 << 42)
    with pytest.raises(ElfError, match="bytes"):
        list(ElfFile(str(path)).symbols())
