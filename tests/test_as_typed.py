"""The article's commands, typed here: real tools, and tools that hang, die or print nonsense."""

import os
import shutil

import pytest

import target_programs
from article import runs as article_runs
from fake_tools import fake
from target_programs import ROOT

from brkpoint_trace import as_typed  # isort: skip  (fake_tools.py knows where it is)

PROGRAMS = {program.name: program.command for program in target_programs.programs()}


pytestmark = pytest.mark.usefixtures("built")


def words(name):
    if name not in PROGRAMS:
        pytest.skip("not built: " + name)
    return [os.path.join(ROOT, word) if "/" in word else word for word in PROGRAMS[name]]


def needs(tool):
    return pytest.mark.skipif(not shutil.which(tool), reason="no " + tool)


# ---- the real ones -------------------------------------------------------------------------------


@needs("strace")
def test_strace_counts():
    found = as_typed.strace(words("success_asm"), 300)
    assert found["state"] == "ok" and found["counts"] == {"brk": 0, "mmap": 0}
    found = as_typed.strace(words("success"), 300)
    assert found["counts"]["brk"] == 1 and found["counts"]["mmap"] > 3


@needs("ltrace")
def test_ltrace_hears_a_plt_and_no_got():
    found = as_typed.ltrace(words("alloc"), 300)
    assert [(c["name"], c["library"], c["args"]) for c in found["calls"]] == [
        ("malloc", None, ["1"])
    ]
    assert found["lines"][0].startswith("malloc(1)")
    assert as_typed.ltrace(words("alloc.no-plt"), 300)["calls"] == []
    found = as_typed.ltrace(words("alloc"), 60, "-x", "malloc+free@*")
    assert [(c["library"], c["outer"]) for c in found["calls"]] == [(None, None), ("libc.so.6", 0)]


@needs("ltrace")
def test_a_static_program_is_no_silence():
    found = as_typed.ltrace(words("alloc.static"), 300)
    assert found["state"] == "unreliable" and "calls" not in found


@needs("ltrace")
def test_a_program_that_fails_under_the_tool_is_not_believed():
    found = as_typed.ltrace(words("crash"), 300)
    assert found["state"] == "unreliable" and "ended otherwise" in found["why"]


@needs("objdump")
@pytest.mark.parametrize("name, asks", [("success", False), ("success_asm", True)])
def test_objdump_tells_code_from_data(name, asks):
    found = as_typed.disassembled(words(name)[-1], 300)
    assert found["state"] == "ok" and found["in_code"] <= found["matches"]
    assert (found["asks"] > 0) == asks


@needs("ldd")
def test_a_tool_that_looks_at_a_file():
    found = as_typed.prints(["ldd", words("success_asm")[-1]], 300)
    assert "not a dynamic executable" in found["lines"][0]


# ---- tools that cannot be believed ---------------------------------------------------------------

BAD = [
    ("echo waiting >&2; sleep 100", "still ran after", "waiting"),
    ("echo dying >&2; kill -SEGV $$", "", "dying"),
    ("echo no luck >&2; exit 1", "", "no luck"),
    ("yes nonsense | head -c 100000 >&2", "", "nonsense"),
    ('shift; yes "malloc(9" | head -c 90000 >"$1"', "", ""),
    ('shift; printf "\\377\\0\\n7 +++ x" >"$1"', "", ""),
]


@pytest.mark.parametrize("script, why, said", BAD)
@pytest.mark.parametrize("tool", ["strace", "ltrace"])
def test_a_tool_that_fails_has_no_values(tmp_path, monkeypatch, tool, script, why, said):
    command = words("alloc")
    fake(tmp_path, monkeypatch, tool, script)
    found = getattr(as_typed, tool)(command, 300)
    assert found["state"] == "unreliable"
    assert why in found["why"] and said in found["why"] and len(found["why"]) < 400
    assert not {"calls", "counts", "lines"} & set(found)


@pytest.mark.parametrize("script", ["sleep 100", "kill -9 $$", "exit 3"])
def test_objdump_that_fails_has_no_values(tmp_path, monkeypatch, script):
    fake(tmp_path, monkeypatch, "objdump", script)
    limit_s = 2 if "sleep" in script else 60
    found = as_typed.disassembled(words("alloc")[-1], limit_s)
    assert found["state"] == "unreliable" and "asks" not in found


def test_a_tool_that_is_not_installed(tmp_path, monkeypatch):
    command = words("alloc")
    monkeypatch.setenv("PATH", str(tmp_path))
    for found, package in (
        (as_typed.strace(command, 9), "strace"),
        (as_typed.ltrace(command, 9), "ltrace"),
        (as_typed.prints(["ldd", command[0]], 9), "libc-bin"),
        (as_typed.disassembled(command[0], 9), "binutils"),
    ):
        assert found["state"] == "missing" and found["why"].endswith("apt-get install " + package)


@pytest.mark.parametrize("script", ["exec sleep 100", "kill -SEGV $$", "echo nonsense"])
def test_a_bad_ltrace_spoils_nothing_of_the_article_s_program(tmp_path, monkeypatch, script):
    """The same facts but for ltrace's own, and for its part of the page side by side."""
    monkeypatch.chdir(ROOT)
    fake(tmp_path, monkeypatch, "ltrace", script)
    traces = tmp_path / "traces"
    traces.mkdir()
    facts = article_runs.run("alloc", PROGRAMS["alloc"], str(traces), ())
    states = {tool: found["state"] for tool, found in facts["typed"].items()}
    assert states.pop("strace") == "ok" and set(states.values()) == {"unreliable"}
    assert facts["user_calls"]["malloc"]["count"] == 1 and facts["witnesses"]["sound"]
    page = (traces / "alloc.md").read_text()
    assert "| ltrace | unreliable |" in page and "| strace | ran |" in page
