"""What the library is made of: what it asks of others, what it keeps, how it compiles."""

import glob
import os
import re
import shutil
import subprocess

import pytest

from evaluator_library import ROOT, make

SOURCES = sorted(glob.glob(ROOT + "/evaluator/*.c"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-std=c11"]
# A compiler may call these of its own accord, also in freestanding code.
ALWAYS = {"memcpy", "memmove", "memset", "memcmp"}
SYSTEM = {"mmap", "mremap", "munmap", "__errno_location"}


def symbols(path):
    """[(kind, name)] of nm, of what has a name that the linker sees or a place in memory."""
    make("build/libmexe.a")
    lines = subprocess.run(["nm", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    return re.findall(r"^[0-9a-f ]{16} (\w) (\S+)$", lines, re.MULTILINE)


def asked(path):
    own = {name for kind, name in symbols(path) if kind != "U"}
    return {name for kind, name in symbols(path) if kind == "U"} - own


def test_asks_nobody_for_heap_and_prints_nothing():
    path = ROOT + "/build/libmexe.a"
    others = {name for name in asked(path) if not name.startswith(("__cpu", "_GLOBAL_OFFSET"))}
    assert others <= ALWAYS | SYSTEM
    assert SYSTEM <= others


def test_needs_no_operating_system_but_to_grow():
    for path in glob.glob(ROOT + "/build/evaluator/*.o"):
        if os.path.basename(path) in {"grow.o", "choose.o"}:
            continue
        assert not asked(path) & SYSTEM


def test_keeps_no_global():
    """Nothing that can be written: no data, no bss, no common."""
    assert not [name for kind, name in symbols(ROOT + "/build/libmexe.a") if kind in "BbDdCGgSs"]


def test_a_program_with_heap_and_globals_is_seen(tmp_path):
    source, product = tmp_path / "other.c", str(tmp_path / "other.o")
    source.write_text("#include <stdlib.h>\nint count; void *f(void) { return malloc(7); }\n")
    subprocess.run(["gcc", "-c", "-o", product, str(source)], check=True)
    assert "malloc" in asked(product)
    assert [name for kind, name in symbols(product) if kind in "BbDdC"] == ["count"]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_compiles_without_a_warning(compiler, tmp_path):
    if not shutil.which(compiler):
        pytest.skip("no %s here" % compiler)
    for source in SOURCES:
        simd = ["-mavx2", "-mbmi", "-mbmi2"] if "avx2" in source else ["-DMEXE_WITH_AVX2"]
        for level in ("-O0", "-O3"):
            command = [compiler, *WARNINGS, level, *simd, "-c", "-o", str(tmp_path / "o"), source]
            done = subprocess.run(command, stderr=subprocess.PIPE)
            assert done.returncode == 0, done.stderr.decode()


def test_a_warning_is_seen(tmp_path):
    source = tmp_path / "doubtful.c"
    source.write_text("int f(long wide);\nint f(long wide) { return wide; }\n")
    command = ["gcc", *WARNINGS, "-c", "-o", str(tmp_path / "o"), str(source)]
    assert subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0


def test_freestanding(tmp_path):
    """All but the file that grows links with nothing, for a machine without anything."""
    start = tmp_path / "start.c"
    start.write_text(
        "#include <mexe.h>\n"
        "void *memcpy(void *to, const void *from, size_t n)\n"
        "{ char *t = to; const char *f = from; while (n--) *t++ = *f++; return to; }\n"
        "void *memset(void *to, int byte, size_t n)\n"
        "{ char *t = to; while (n--) *t++ = (char)byte; return to; }\n"
        "double value;\n"
        'void _start(void) { mexe_eval_in("2 + 3", 5, &value, 0, 0, 0); }\n'
    )
    left_out = ("grow.c", "run_avx2.c")
    sources = [path for path in SOURCES if not path.endswith(left_out)]
    flags = ["-std=c11", "-O2", "-ffreestanding", "-fno-builtin", "-nostdlib", "-static", "-Werror"]
    flags += ["-fno-tree-loop-distribute-patterns", "-fno-stack-protector"]
    command = ["gcc", *flags, "-I" + ROOT + "/evaluator", "-o", str(tmp_path / "bare")]
    done = subprocess.run([*command, str(start), *sources], stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()


MACHINES = ["i386-linux-gnu", "aarch64-linux-gnu", "armv7-none-eabi", "powerpc64-linux-gnu"]


@pytest.mark.parametrize("machine", [*MACHINES, "riscv64-none-elf"])
def test_compiles_for_other_machines(machine, tmp_path):
    """Of 32 bits, of the other byte order, without a system: with nothing but memcpy from libc."""
    if not shutil.which("clang"):
        pytest.skip("no clang here")
    header = "#include <stddef.h>\nvoid *memcpy(void *, const void *, size_t);\n"
    (tmp_path / "string.h").write_text(header)
    flags = ["--target=" + machine, *WARNINGS, "-O2", "-ffreestanding", "-isystem", str(tmp_path)]
    flags += ["-msse2", "-mfpmath=sse"] if machine.startswith("i386") else []
    for source in SOURCES:
        if not source.endswith("grow.c"):
            command = ["clang", *flags, "-c", "-o", str(tmp_path / "o"), source]
            done = subprocess.run(command, stderr=subprocess.PIPE)
            assert done.returncode == 0, done.stderr.decode()


def stack_of(folder, names):
    """How many bytes of stack the functions of these files need, one upon the other."""
    for name in names:
        simd = ["-mavx2", "-mbmi", "-mbmi2"] if "avx2" in name else []
        command = ["gcc", "-std=c11", "-O2", *simd, "-fstack-usage", "-c", name]
        subprocess.run(command, cwd=folder, check=True)
    lines = "".join(path.read_text() for path in folder.glob("*.su")).splitlines()
    return sum(int(line.split("\t")[1]) for line in lines)


def test_stack(tmp_path):
    """All functions of one way at once need less than the header promises."""
    files = [path for path in SOURCES if not path.endswith(("run.c", "choose.c"))]
    (tmp_path / "bare").mkdir()
    assert stack_of(tmp_path / "bare", [path for path in files if "grow" not in path]) < 2048
    assert 4096 < stack_of(tmp_path, files) < 8192


def test_the_header_alone_in_c_and_cxx(tmp_path):
    for language, compiler in (("c", "gcc"), ("c++", "g++")):
        flags = ["-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
        command = [compiler, *flags, ROOT + "/evaluator/mexe.h"]
        done = subprocess.run(command, stderr=subprocess.PIPE)
        assert done.returncode == 0 or b"pragma once" in done.stderr, done.stderr.decode()


def test_the_table_of_powers_is_what_its_program_makes():
    made = subprocess.run([ROOT + "/evaluator/powers.py"], stdout=subprocess.PIPE, check=True)
    with open(ROOT + "/evaluator/powers.h", "rb") as file:
        assert file.read() == made.stdout


def test_small_rooms():
    for path in glob.glob(ROOT + "/evaluator/**/*.[ch]", recursive=True):
        with open(path) as file:
            assert len(file.readlines()) <= 310, path
