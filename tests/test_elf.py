"""alloctrace.elf.elf against independent readers: nm, readelf, objdump."""

import os
import re
import shutil
import struct
import subprocess

import pytest

from alloctrace.elf import elf as elf_module
from alloctrace.elf.elf import ElfError, ElfFile

LOADER = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"
SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
static int counter;
__attribute__((constructor)) static void early(void) { counter += 17; }
__attribute__((destructor)) static void late(void) { counter -= 17; }
__attribute__((noinline)) int twice(int n) { return n * 2 + counter; }
int main(int argc, char **argv) { void *p = malloc(argc); free(p); return twice(argc) == 41; }
"""
BUILDS = {
    "pie": [],
    "nopie": ["-no-pie"],
    "noplt": ["-fno-plt", "-Wl,-z,now"],
    "static": ["-static"],
    "staticpie": ["-static-pie"],
    "relr": ["-Wl,-z,pack-relative-relocs"],
    "stripped": ["-s"],
    "noindex": ["-Wl,--no-eh-frame-hdr"],
    "lib": ["-shared", "-fPIC", "-Wl,-soname,libtwice.so.3"],
}
needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    folder = tmp_path_factory.mktemp("elf")
    source = folder / "a.c"
    source.write_text(SOURCE)
    paths = {}
    for name, flags in BUILDS.items():
        paths[name] = str(folder / name)
        done = subprocess.run(
            ["gcc", "-g", "-O1", "-fno-builtin", *flags, "-o", paths[name], str(source)]
        )
        if done.returncode:
            del paths[name]  # an older linker without the flag: the tests of that build skip
    return paths


def path_of(built, name):
    if name not in built:
        pytest.skip("not built: " + name)
    return built[name]


def nm(path, *flags):
    """{name: address} of defined functions."""
    rows = (line.split() for line in said("nm", *flags, path).splitlines())
    return {r[2].split("@")[0]: int(r[0], 16) for r in rows if len(r) == 3 and r[1] in "TtWwi"}


@pytest.mark.parametrize("name", BUILDS)
def test_header_as_readelf_says(built, name):
    path = path_of(built, name)
    elf, header = ElfFile(path), said("readelf", "-hW", path)
    assert elf.type == re.search(r"Type:\s+(\w+)", header).group(1)
    assert elf.entry == int(re.search(r"Entry point address:\s+(0x\w+)", header).group(1), 16)
    assert (elf.machine, elf.elf_class) == (elf_module.EM_X86_64, 64)
    assert len(elf.segments) == int(
        re.search(r"Number of program headers:\s+(\d+)", header).group(1)
    )
    notes = said("readelf", "-nW", path)
    assert elf.build_id == re.search(r"Build ID: (\w+)", notes).group(1)


@pytest.mark.parametrize("name", BUILDS)
def test_kind_of_file(built, name):
    elf = ElfFile(path_of(built, name))
    assert elf.is_pie == (name not in ("nopie", "static", "lib"))
    assert elf.is_static == (name in ("static", "staticpie"))
    assert elf.is_stripped == (name == "stripped")
    assert (elf.interp is None) == (name in ("static", "staticpie", "lib"))
    assert elf.soname == ("libtwice.so.3" if name == "lib" else None)
    assert elf.needed == ([] if elf.is_static else ["libc.so.6"])
    assert elf.looks_like_rust() == ""


@pytest.mark.parametrize("name", [n for n in BUILDS if n != "stripped"])
def test_functions_as_nm_says(built, name):
    path = path_of(built, name)
    elf, witness = ElfFile(path), nm(path)
    for wanted in ("main", "twice", "early"):
        assert elf.function(wanted).value == witness[wanted]
    assert elf.function("twic") is None and elf.function("wice") is None
    assert elf.function("malloc") is None or name.startswith("static")


def test_sections_as_readelf_says(built):
    for path in built.values():
        wanted = re.findall(
            r"^\s*\[ *\d+\] (\S+) +\S+ +(\w{16}) (\w{6,}) (\w{6,}) ",
            said("readelf", "-SW", path),
            re.M,
        )
        found = ElfFile(path).sections
        assert len(wanted) > 20
        for name, *numbers in wanted:
            section = found[name]
            assert [section.vaddr, section.offset, section.size] == [int(n, 16) for n in numbers]


@pytest.mark.parametrize("path", ["/lib/x86_64-linux-gnu/libc.so.6", LOADER, "/bin/ls", MUSL])
def test_system_files_as_nm_says(path):
    if not os.path.exists(path) or not shutil.which("nm"):
        pytest.skip("not here: " + path)
    elf, witness = ElfFile(path), nm(path, "-D")
    found = elf.functions_named(witness)
    assert all(witness[name] in {s.value for s in found[name]} for name in witness)
    names = {s.name for s in elf.symbols() if s.defined and s.table == "dynsym"}
    assert set(witness) <= names


@pytest.mark.parametrize("name", BUILDS)
def test_unwind_ranges_as_readelf_says(built, name):
    path = path_of(built, name)
    pairs = re.findall(r"FDE.*pc=(\w+)\.\.(\w+)", said("readelf", "--debug-dump=frames", path))
    wanted = {(int(low, 16), int(high, 16)) for low, high in pairs}
    elf = ElfFile(path)
    for low, high in wanted:
        if low < high:
            assert elf.fde_at(low) == (low, high) == elf.fde_at(high - 1)
    assert elf.fde_at(1) is None and not elf.has_cfi(1 << 60)
    assert bool(elf.unwind_tables._table) == (name not in ("noindex", "static"))
    assert wanted <= set(elf.unwind_tables.ranges())


@pytest.mark.parametrize("name", ["pie", "nopie", "static", "staticpie", "relr", "lib", "noplt"])
def test_initialisers_and_finalisers(built, name):
    path = path_of(built, name)
    elf, witness = ElfFile(path), nm(path)
    assert witness["early"] in elf.initialisers() and witness["_init"] in elf.initialisers()
    assert witness["late"] in elf.finalisers() and witness["_fini"] in elf.finalisers()
    assert witness["main"] not in elf.initialisers() + elf.finalisers()


def test_relocations_as_readelf_says(built):
    for name in ("pie", "nopie", "staticpie", "lib"):
        lines = said("readelf", "-rW", path_of(built, name)).splitlines()
        rows = [line.split() for line in lines if " R_X86_64_" in line]
        wanted = {int(row[0], 16) for row in rows}
        assert {row.offset for row in ElfFile(built[name]).relocations()} == wanted


def test_packed_relocations_reach_every_pointer(built):
    path = path_of(built, "relr")
    if ".relr.dyn" not in ElfFile(path).sections:
        pytest.skip("this linker packs none")
    packed = [r for r in ElfFile(path).relocations() if r.type == 8]
    assert nm(path)["early"] in [r.addend for r in packed]


@pytest.mark.parametrize("name", ["pie", "nopie", "noplt"])
def test_call_sites_are_named(built, name):
    """Every call to malloc and free that objdump names is named here too."""
    path = path_of(built, name)
    calls = re.findall(
        r"^\s*(\w+):.*\bcallq? .*<(malloc|free)@(?:plt|GLIBC)", said("objdump", "-d", path), re.M
    )
    elf = ElfFile(path)
    assert sorted(wanted for _, wanted in calls) == ["free", "malloc"]
    for at, wanted in calls:
        assert elf.plt_target(int(at, 16)) == wanted
    assert elf.plt_target(elf.function("twice").value) is None
    assert elf.plt_target(1 << 50) is None


def test_debug_file_by_build_id_only(built, tmp_path):
    path = path_of(built, "pie")
    name = ElfFile(path).build_id
    folder = tmp_path / ".build-id" / name[:2]
    folder.mkdir(parents=True)
    debug = folder / (name[2:] + ".debug")
    said("objcopy", "--only-keep-debug", path, str(debug))
    stripped = str(tmp_path / "stripped")
    said("objcopy", "--strip-all", path, stripped)
    assert ElfFile(stripped).debug_file((str(tmp_path),)) == str(debug)
    assert ElfFile(stripped).debug_file(()) is None
    said("objcopy", "--only-keep-debug", path_of(built, "nopie"), str(debug))
    assert ElfFile(stripped).debug_file((str(tmp_path),)) is None


def test_debug_file_by_link_and_checksum(built, tmp_path):
    bare = str(tmp_path / "bare")
    said("objcopy", "--remove-section=.note.gnu.build-id", path_of(built, "pie"), bare)
    debug = str(tmp_path / "bare.debug")
    said("objcopy", "--only-keep-debug", bare, debug)
    said("objcopy", "--strip-all", "--add-gnu-debuglink=" + debug, bare, bare + "2")
    assert ElfFile(bare + "2").debug_file(()) == debug
    with open(debug, "ab") as file:
        file.write(b"x")
    assert ElfFile(bare + "2").debug_file(()) is None


def test_other_machines_open_but_tell_nothing(tmp_path):
    path = tmp_path / "arm"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(200))
    elf = ElfFile(str(path))
    assert (elf.type, elf.machine_name, elf.elf_class) == ("EXEC", "AArch64", 64)
    assert not elf.is_supported and elf.segments == [] and list(elf.symbols()) == []


@pytest.mark.parametrize("content", [b"", b"\x7fEL", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" * 9])
def test_no_elf_file_is_one_line(tmp_path, content):
    path = tmp_path / "new\nline"
    path.write_bytes(content)
    with pytest.raises(ElfError) as caught:
        list(ElfFile(str(path)).symbols())
        raise ElfError("opened as another machine's")
    assert "\n" not in str(caught.value)


def test_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, tmp_path / "missing", "/dev/zero", "a\0b"):
        with pytest.raises(ElfError):
            ElfFile(str(path))


def test_rust_is_recognised_without_symbols(tmp_path):
    if not shutil.which("rustc"):
        pytest.skip("no rustc")
    source = tmp_path / "a.rs"
    source.write_text('fn main() { let v: Vec<u8> = Vec::with_capacity(41); println!("{:?}", v); }')
    out = str(tmp_path / "a")
    said("rustc", "-O", "-C", "strip=symbols", "-o", out, str(source))
    said("objcopy", "--remove-section=.comment", out, out)
    elf = ElfFile(out)
    assert elf.is_stripped and "library/" in elf.looks_like_rust()


def test_without_section_headers_the_dynamic_section_tells(built, tmp_path):
    """As sstrip leaves a file: symbols, relocations and initialisers stay."""
    path = path_of(built, "lib")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    struct.pack_into("<Q", data, 40, 0)
    struct.pack_into("<HHH", data, 58, 0, 0, 0)
    bare = tmp_path / "bare"
    bare.write_bytes(data)
    elf, whole = ElfFile(str(bare)), ElfFile(path)
    assert elf.sections == {} and elf.is_stripped
    dynamic = [s for s in whole.symbols() if s.table == "dynsym"]
    assert list(elf.symbols()) == dynamic[: len(list(elf.symbols()))]
    assert elf.function("twice") == whole.function("twice")
    assert elf.initialisers() == whole.initialisers()
    assert list(elf.relocations()) == list(whole.relocations())
    assert elf.build_id == whole.build_id
