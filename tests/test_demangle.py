"""Mangled names are read as gdb reads them, or not at all."""

import os
import random
import shutil
import subprocess

import pytest

from alloctrace.elf import symbols as elf_symbols
from alloctrace.elf.elf import ElfFile
from alloctrace.symbols.demangle_cxx import MAX_MANGLED
from alloctrace.symbols.names import demangled, is_mangled, readable

needs_gdb = pytest.mark.skipif(not shutil.which("gdb"), reason="no gdb")
LIBRARIES = ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/lib64/libstdc++.so.6")
DATA = os.path.join(os.path.dirname(__file__), "data", "mangled_names")
CASES = [
    ("_Z3foov", "foo"),
    ("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int>::push_back"),
    ("_ZNSsC1EPKcRKSaIcE", "std::string::basic_string"),
    ("_ZN12_GLOBAL__N_14poolC2Ev", "(anonymous namespace)::pool::pool"),
    ("_ZZ4mainENKUliE0_clEi", "main::{lambda(int)#2}::operator()"),
    ("_ZlsI1CEvT_", "operator<< <C>"),
    ("_Z4callIPFviEEvT_", "call<void (*)(int)>"),
    ("_ZThn16_N1B1fEv", "non-virtual thunk to B::f"),
    ("_ZN3foo3barEv.cold", "foo::bar"),
    ("_ZN3foo3barEv.constprop.0", "foo::bar"),
    ("_ZN3std2io5write17h0123456789abcdefE", "std::io::write"),
    (
        "_ZN4core3ptr31drop_in_place$LT$alloc..Vec$GT$17h0123456789abcdefE",
        "core::ptr::drop_in_place<alloc::Vec>",
    ),
    (
        "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Write$GT$9write_str"
        "17h0123456789abcdefE.1929",
        "<alloc::string::String as core::fmt::Write>::write_str",
    ),
    ("_RNvNtCs1234_3std2io5write", "std[3c1c0]::io::write"),
    ("_Z1fIJiEEvDpT_", "f<int>"),
    ("_RNCNvC4main3run0", "main[0]::run::{closure#0}"),
]
UNSURE = [
    "main",
    "_Z",
    "_ZN",
    "_Z4cal",
    "_ZNSt6vectorIiSaIiEE",
    "_Z4callIXadL_Z3foovEEEvv",  # an expression
    "_ZZ1fIJiiEEvDpT_E1g",  # a pack in a function around
    "_ZN4core11a$LT$b$GT$c17h0000000000000000E",  # no hash
    "_ZZ1fIiEvPT_ENKUlS1_E_clIcEEDaS1_",  # the lambda's own T_, or that of f
    "_RNvC2u33aäa4run",
    "_RNvBx_4run",
]


@pytest.mark.parametrize("name, wanted", CASES)
def test_what_is_read(name, wanted):
    assert demangled(name) == wanted


@pytest.mark.parametrize("name", UNSURE)
def test_what_is_left_to_gdb(name):
    assert demangled(name) is None


def names_of(path):
    with ElfFile(path) as elf:
        return {s.name for s in elf_symbols.walk(elf) if s.kind == "FUNC" and is_mangled(s.name)}


def gdb_reads(names, folder):
    """What gdb makes of each."""
    script = folder / "script"
    script.write_text("".join("demangle -l c++ -- %s\n" % name for name in names))
    words = ["gdb", "-nx", "-q", "-batch", "-ex", "set width 0", "-x", str(script)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def test_names_of_large_programs_are_read_as_binutils_read_them():
    """Of node, rustc and LLVM; what c++filt said of them lies beside."""
    with open(DATA, encoding="ascii") as file:
        rows = [line.rstrip("\n").split(" ", 1) for line in file]
    read = {name: demangled(name) for name, _ in rows}
    sure = [(read[name], readable(text, True)) for name, text in rows if read[name]]
    assert [ours for ours, _ in sure] == [theirs for _, theirs in sure]
    assert len(sure) > 0.97 * len(rows)


@needs_gdb
def test_names_of_libstdcxx_are_read_as_gdb_reads_them(tmp_path):
    library = next((p for p in LIBRARIES if os.path.exists(p)), None)
    if library is None:
        pytest.skip("no libstdc++")
    names = sorted(names_of(library))[::3]
    theirs = gdb_reads(names, tmp_path)
    read = [demangled(name) for name in names]
    assert len(theirs) == len(names) > 500
    pairs = [(a, readable(b, True)) for a, b in zip(read, theirs) if a]
    assert [a for a, _ in pairs] == [b for _, b in pairs]
    assert len(pairs) > 0.95 * len(names)


def test_any_text_is_taken():
    """Damaged names end soon, with an answer or without."""
    chance = random.Random(11)
    with open(DATA, encoding="ascii") as file:
        names = [line.split(" ", 1)[0] for line in file]
    for _ in range(3000):
        name = list(chance.choice(names))
        for _ in range(chance.randrange(1, 5)):
            name[chance.randrange(2, len(name))] = chance.choice("SNIEKPRTZB_019azFDJL$.")
        demangled("".join(name)[: chance.randrange(2, len(name) + 1)])
    assert demangled("_Z1f" + "P" * MAX_MANGLED + "v") is None
    assert demangled("_Z1fI" + "P" * 500 + "vEvv") is None
    assert demangled("_ZN1f" + "I" * 900) is None
    assert demangled("_R" + "NvM" * 400) is None


def test_names_that_double_are_given_up():
    """Each piece names the one before twice: 2^40 characters, of 300."""
    pieces = "S_IiiE" + "".join("S_IS%s_S%s_E" % (n, n) for n in "0123456789ABCDEFGHIJKLMNOPQRSTUV")
    assert demangled("_Z1fI1g%sEvv" % pieces) is None
    assert (
        demangled("_RIC1f" + "".join("TB%s_B%s_E" % (n, n) for n in "3456789abcdefgh") * 9) is None
    )


@pytest.mark.parametrize(
    "name",
    [
        # the comma behind an empty pack
        "_ZN4absl7debian36HashOfIJEJNS0_11string_viewEEEEmDpRKT0_",
        # gdb counts a type without a name twice
        "_ZN2kj3strIJRNS_1_15DebugComparisonIRNS1_9FiberBaseUt_ES4_EEEEENS_6StringEDpOT_",
        # a constructor is called like what was read last
        "_ZN2kj1_12HeapDisposerINS0_20TransformPromiseNodeINS0_4VoidENS_3OwnIN5capnp10Cli"
        "entHookEEEZNS5_12QueuedClientC4EONS_7PromiseIS7_EEEUlOS7_E_ZNS8_C4ESB_EUlONS_9Ex"
        "ceptionEE0_EEE8instanceE",
        # an expression in the result that gdb gives up at
        "_ZN2kj1_6MapperIRN5capnp4ListINS2_4json5ValueELNS2_4KindE3EE6ReaderEEmlIZNKS2_9J"
        "sonCodec4Impl9encodeRawENS5_6ReaderEjRbbEUlSE_E1_EENS_5ArrayIDTclfp_cldtcldtdtde"
        "fpT5arrayL_ZNKS8_5beginEvEEL_ZNKS2_1_16IndexingIteratorIKS8_SE_EdeEvEEEEEEOT_",
        # longer than gdb reads
        "_Z1fI" + "i" * 1030 + "Evv",
    ],
)
def test_what_gdb_reads_in_a_way_of_its_own_is_left_to_it(name):
    assert demangled(name) is None
