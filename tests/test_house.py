"""The house itself: rooms, sizes, names, and documents that say what is so."""

import ast
import os
import re
import subprocess

import pytest
import test_generated as generated

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INSIDE_GDB = "gdb-scripts/"
# Paths of one machine; system folders and examples such as /tmp/… in sentences are none.
MACHINE = re.compile(r"(?<![\w.$}/-])/(?:work|farm|root|home/\w+)/[\w.]")
LONGEST = 400  # lines of a file of the product
LONGEST_C = 600  # where they are one idea
LONGEST_TEST = 350
ONE_IDEA = {  # longer, because its halves cannot be understood apart
    "alloctrace/history/packed.py": "a packed history, and what makes it of a spool",
}


def tracked(*patterns):
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--", *patterns]
    names = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, check=True).stdout
    return [name for name in names.decode().split("\0") if os.path.isfile(os.path.join(TOP, name))]


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def text_files():
    return [name for name in tracked() if "\0" not in read(name)]


# ---- rooms ---------------------------------------------------------------------------------------


def imports(text):
    """The top-level names of what the code in `text` imports; strings and comments do not count."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_only_gdb_scripts_imports_gdb():
    found = [name for name in tracked("*.py") if "gdb" in imports(read(name))]
    assert any(name.startswith("gdb-scripts/") for name in found)  # the search finds something
    assert [name for name in found if not name.startswith(INSIDE_GDB)] == []


def test_the_pure_room_starts_no_process():
    """The search for imports is the one below."""
    for name in tracked("alloctrace/*.py"):
        assert not imports(read(name)) & {"subprocess", "multiprocessing", "pty"}, name


@pytest.mark.parametrize(
    "line, found",
    [
        ("import gdb", True),
        ("def f():\n    from gdb.types import x", True),
        ("import os, gdb as g", True),
        ("import gdbm", False),
        ("from .gdb import x", False),
        ("# import gdb\n'import gdb'", False),
    ],
)
def test_the_search_for_imports(line, found):
    assert ("gdb" in imports(line)) == found


def test_files_are_short():
    for name in tracked("*.py", "*.c", "*.h", "*.sh", "setup"):
        limit = LONGEST_TEST if name.startswith("tests/") else LONGEST
        if name.endswith((".c", ".h")):
            limit = LONGEST_C
        lines = read(name).count("\n")
        assert lines <= limit or name in ONE_IDEA, "%s: %d lines, two ideas?" % (name, lines)
        assert lines <= LONGEST_C


def test_what_may_be_longer_is_there_and_is_longer():
    assert all(LONGEST < read(name).count("\n") <= LONGEST_C for name in ONE_IDEA)


def test_no_paths_of_one_machine():
    for name in text_files():
        if not name.startswith("tests/data/"):
            found = MACHINE.search(read(name))
            assert not found, "%s: %s" % (name, found)


@pytest.mark.parametrize(
    "text, found",
    [
        ("open('/ro" + "ot/x')", 1),
        ("/wo" + "rk/main", 1),
        ("/proc/self/ro" + "ot/x", 0),
        ("$HOME/work/a", 0),
    ],
)
def test_the_search_for_paths(text, found):
    assert bool(MACHINE.search(text)) == bool(found)


def test_scripts_name_the_distributions_python():
    for name in text_files():
        first = read(name).split("\n", 1)[0]
        if first.startswith("#!") and "python" in first:
            assert first.startswith("#!/usr/bin/python3"), name


def test_every_python_file_says_what_it_is_for():
    for name in tracked("*.py"):
        text = read(name)
        assert not text.strip() or text.startswith(('"""', 'r"""', "#!")), name


def test_help_inside_gdb_fits_an_ordinary_terminal():
    """The docstrings of the `alloc` commands, as gdb shows them."""
    for name in tracked("gdb-scripts/brkpoint_gdb/commands/*.py"):
        for node in ast.walk(ast.parse(read(name))):
            text = ast.get_docstring(node) if isinstance(node, ast.ClassDef) else None
            assert max(map(len, (text or "").splitlines()), default=0) <= 80, name


# ---- documents -----------------------------------------------------------------------------------


def make(*args):
    command = ["make", "--no-print-directory", *args]
    environ = dict(os.environ, MAKEFLAGS="")
    return subprocess.run(
        command, cwd=TOP, env=environ, stdout=subprocess.PIPE, universal_newlines=True
    )


def phony():
    """The verbs that make itself knows as .PHONY, but for `force`, which is no verb."""
    database = make("-pq", "help").stdout
    return set(re.search(r"^\.PHONY: (.*)$", database, re.M)[1].split()) - {"force"}


def test_make_help_lists_every_verb_and_no_other():
    listed = set(re.findall(r"^make ([\w-]+) ", make("help").stdout, re.M))
    assert {"article", "test", "lint"} <= listed
    assert {name for name in listed if "NAME" not in name} == phony()


def folder_map(readme):
    section = readme.split("## The map")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)/` \|", section, re.M))


def test_the_map_in_the_readme_is_the_tree():
    assert folder_map(read("README.md")) == {n.split("/")[0] for n in tracked() if "/" in n}


def test_a_map_that_lacks_a_folder_is_seen():
    assert folder_map("## The map\n| `a/` | x |\n## Other\n| `b/` | x |\n") == {"a"}


def links(name):
    """Relative links of a Markdown file, as paths from the top."""
    found = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(name))
    folder = os.path.dirname(name)
    return [os.path.normpath(os.path.join(folder, link)) for link in found if ":" not in link]


def test_links_lead_somewhere():
    for name in tracked("*.md"):
        for link in links(name):
            assert os.path.exists(os.path.join(TOP, link)), "%s: %s" % (name, link)


COMMAND = re.compile(r"(?:^|`|\./)brkpoint((?: [-\w./']+)+)", re.M)


def wrong_words(text):
    """The options in commands of `text` that their verb does not have."""
    known = {v.name: {n for o in v.options for n in o.names} for v in generated.options.verbs()}
    wrong = []
    for words in (found.split() for found in COMMAND.findall(text)):
        verb = words[0] if words[0] in known else "run"
        mine = words if verb == words[0] else words[: first_operand(words)]
        wrong += [word for word in mine if word[0] == "-" and word not in known[verb]]
    return wrong


def first_operand(words):
    return next((i for i, word in enumerate(words) if word[0] != "-"), len(words))


def test_options_that_documents_name_exist():
    for name in tracked("README.md", "CONTRIBUTING.md", "docs/*.md", "targets/README.md"):
        assert wrong_words(read(name)) == [], name


def test_an_option_that_does_not_exist_is_seen():
    assert wrong_words("`brkpoint report --nonsense`") == ["--nonsense"]
    assert wrong_words("`brkpoint --live ls -l`") == []


def test_make_verbs_that_documents_name_exist():
    known = phony() | {"run-NAME", "session-NAME"}
    for name in tracked("README.md", "CONTRIBUTING.md", "docs/*.md", "targets/README.md"):
        for verb in re.findall(r"(?:^|`|&& )make ([a-z][\w-]*)", read(name), re.M):
            one_of_many = verb.startswith(("run-", "session-"))
            assert verb in known or one_of_many, "%s: make %s" % (name, verb)
